"""WorkerService on the wire: not served yet."""

from millrace.handler.v1 import worker_service_pb2_grpc as pb_grpc

from mapping_service.rpc import unbuilt


class WorkerServicer(pb_grpc.WorkerServiceServicer):
    """Says that this version serves no workers that dial in."""

    Work = unbuilt.refuse("Work")

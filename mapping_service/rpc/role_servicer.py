"""RoleService on the wire: not served yet."""

from millrace.mapping.v1 import role_service_pb2_grpc as pb_grpc

from mapping_service.rpc import unbuilt


class RoleServicer(pb_grpc.RoleServiceServicer):
    """Says of each RPC that this version does not serve it."""

    CreateRole = unbuilt.refuse("CreateRole")
    GetRole = unbuilt.refuse("GetRole")
    ListRoles = unbuilt.refuse("ListRoles")
    UpdateRole = unbuilt.refuse("UpdateRole")
    DeleteRole = unbuilt.refuse("DeleteRole")

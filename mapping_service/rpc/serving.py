"""All services of this process, for a server."""

from dataclasses import dataclass
from typing import Any

import grpc
from millrace.handler.v1 import worker_service_pb2_grpc
from millrace.mapping.v1 import (
    event_source_mapping_service_pb2_grpc,
    handler_registry_service_pb2_grpc,
    role_service_pb2_grpc,
)

from mapping_service.rpc.event_source_mapping_servicer import EventSourceMappingServicer
from mapping_service.rpc.handler_registry_servicer import HandlerRegistryServicer
from mapping_service.rpc.page_token import PageTokens
from mapping_service.rpc.role_servicer import RoleServicer
from mapping_service.rpc.worker_servicer import WorkerServicer
from mapping_service.service import HandlerService, MappingService

SERVICE_NAMES = (
    "millrace.mapping.v1.EventSourceMappingService",
    "millrace.mapping.v1.HandlerRegistryService",
    "millrace.mapping.v1.RoleService",
    "millrace.handler.v1.WorkerService",
)


@dataclass(frozen=True, slots=True)
class UseCases:
    """What the servicers call."""

    mappings: MappingService
    handlers: HandlerService
    tokens: PageTokens


def add_to(server: grpc.aio.Server, use_cases: UseCases) -> None:
    """Serve everything on this server."""
    mappings: Any = event_source_mapping_service_pb2_grpc
    handlers: Any = handler_registry_service_pb2_grpc
    roles: Any = role_service_pb2_grpc
    workers: Any = worker_service_pb2_grpc
    of_mappings = EventSourceMappingServicer(use_cases.mappings, use_cases.tokens)
    of_handlers = HandlerRegistryServicer(use_cases.handlers, use_cases.tokens)
    mappings.add_EventSourceMappingServiceServicer_to_server(of_mappings, server)
    handlers.add_HandlerRegistryServiceServicer_to_server(of_handlers, server)
    roles.add_RoleServiceServicer_to_server(RoleServicer(), server)
    workers.add_WorkerServiceServicer_to_server(WorkerServicer(), server)

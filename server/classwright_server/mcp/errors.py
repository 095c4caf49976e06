"""Failures as a client sees them: expected ones in their own words, defects masked. This is the one place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError, ToolError
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS
from pydantic import BaseModel, ValidationError

from classwright_server.config.principals import current_principal
from classwright_server.incidents import masked
from classwright_server.mcp.argument_faults import faults_in
from classwright_server.sanitize import sanitized
from classwright_tools.errors import ClasswrightError, NotFound


@contextmanager
def tool_errors(tool: str, arguments: type[BaseModel]) -> Iterator[None]:
    """Turn whatever fails inside into a `ToolError`: ours with its text, a bad argument explained, the rest masked.

    What the model of the `arguments` takes is told to a caller who passed something else.
    """
    try:
        yield
    except MCPError:
        raise
    except (ToolError, ClasswrightError) as error:
        raise ToolError(sanitized(error)) from error
    except ValidationError as error:
        raise ToolError(sanitized(bad_arguments(tool, error, arguments))) from error
    except Exception as error:  # noqa: BLE001  # the boundary to the client: logged there, masked here
        raise ToolError(masked(tool, error, for_operator=current_principal() is None)) from None


@contextmanager
def resource_errors(uri: str) -> Iterator[None]:
    """Turn whatever fails inside into a `ResourceError`."""
    try:
        yield
    except (ResourceError, MCPError):
        raise
    except NotFound as error:
        raise ResourceNotFoundError(sanitized(error)) from error
    except ClasswrightError as error:
        raise ResourceError(sanitized(error)) from error
    except Exception as error:  # noqa: BLE001  # the boundary to the client: logged there, masked here
        raise ResourceError(masked(uri, error)) from None


@contextmanager
def request_errors(method: str) -> Iterator[None]:
    """Turn whatever fails inside into an `MCPError`, for a request that is neither a tool nor a resource."""
    try:
        yield
    except MCPError:
        raise
    except NotFound as error:
        raise MCPError(INVALID_PARAMS, sanitized(error)) from error
    except ClasswrightError as error:
        raise MCPError(INTERNAL_ERROR, sanitized(error)) from error
    except Exception as error:  # noqa: BLE001  # the boundary to the client: logged there, masked here
        raise MCPError(INTERNAL_ERROR, masked(method, error)) from None


def bad_arguments(tool: str, error: ValidationError, arguments: type[BaseModel]) -> str:
    """Say which arguments cannot be used, and why."""
    return (
        f"{tool}: the arguments cannot be used. {'; '.join(faults_in(error, arguments))}. Correct them and call again."
    )

"""The runtime of a process of the workspace, a server or a worker: everything that it keeps open."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from classwright_server.config.principals import current_principal
from classwright_server.config.settings import ServerSettings, ToolSettings
from classwright_server.jobs.messages import Order
from classwright_server.jobs.telemetry import flush_telemetry
from classwright_tools.domain.noun import ToolRequest
from classwright_tools.garbage import importing
from classwright_tools.tool import ToolSpec
from classwright_tools.work import AT_ONCE_BYTES, Work

if TYPE_CHECKING:
    from classwright_server.config.workspaces import Workspaces
    from classwright_server.jobs.durable import Jobs
    from classwright_server.jobs.pool import ProcessPool
    from classwright_server.jobs.warm import WarmProcesses
    from classwright_tools.workspace.workspace import Workspace


class Runtime:
    """Everything that a process of the workspace keeps open: a server, or a worker."""

    tool_settings: ToolSettings
    workspaces: Workspaces
    jobs: Jobs
    pool: ProcessPool

    def __init__(self, settings: ServerSettings, warm: WarmProcesses | None = None) -> None:
        """Open everything.

        Raises:
            StorageFailed: the disk is full or not writable; nothing is left open.
        """
        with importing():
            from classwright_server.config.workspaces import Workspaces
            from classwright_server.jobs.durable import Jobs
            from classwright_server.jobs.liveness import sign_of_life
            from classwright_server.jobs.pool import ProcessPool
            from classwright_server.jobs.warm import WarmProcesses
            from classwright_server.vllm import VllmServer, share_with
            from classwright_tools.workspace.atomic import storage_errors

        tool_settings = settings.tool_settings
        with storage_errors("the workspace"), ExitStack() as opening:  # what is open when the next fails is closed
            opening.callback(flush_telemetry)
            self.workspaces = Workspaces(tool_settings)
            opening.callback(self.workspaces.close)
            self.workspaces.of(None)  # made, or found to be unusable, before any job is taken
            sign = sign_of_life(tool_settings)
            opening.callback(sign.release)
            gpu = share_with(tool_settings.writer)
            if settings.vllm:
                gpu = vllm = VllmServer(settings.vllm, os.environ, settings.vllm_thinking_tokens)
                opening.callback(vllm.close)
                tool_settings = tool_settings.model_copy(update={"writer": vllm.endpoint})
            most_seconds = settings.limits.job_hours * 3600
            if warm is None:
                warm = WarmProcesses()
                opening.callback(warm.close)
            self.pool = ProcessPool(warm, os.environ, (sign.descriptor,), most_seconds=most_seconds)
            opening.callback(self.pool.close)
            self.tool_settings = tool_settings
            self.jobs = Jobs(tool_settings, self.workspaces, sign, self.pool, gpu, settings.jobs)
            opening.callback(self.jobs.close)
            self._open = opening.pop_all()

    def order(self, tool: str, request: ToolRequest) -> Order:
        """Return the order of a call of the calling principal that is no job."""
        from classwright_server.jobs.durable import new_job_id

        return Order(
            run_key=new_job_id(),
            tool_settings=self.tool_settings,
            owner=current_principal(),
            tool=tool,
            request=request.as_sent(),
        )

    def small_work(self, tool: ToolSpec[Any, Any], request: ToolRequest, workspace: Workspace) -> Work | None:
        """Return the work of a call in `workspace` if it is one of seconds, else None."""
        from classwright_server.jobs.sizes import StoredSizes

        work = tool.work(request, StoredSizes(workspace, self.tool_settings))
        return work if work.size <= AT_ONCE_BYTES else None

    def close(self) -> None:
        """Stop everything; jobs under way are left for others."""
        self._open.close()

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

class Loop:
    loop: asyncio.AbstractEventLoop
    is_idle: bool
    started: bool
    run_async: Callable[..., None]
    def __init__(
        self,
        exception_handler: Callable[[Any, Any, Any], object] | None = ...,
        task_factory_max_items: int = ...,
        idle_relaxation_time: float = ...,
    ) -> None: ...
    def set_timeout(self, timeout: int, callback: Callable[[Any], object], user_data: Any) -> Any: ...
    def create_future(self) -> asyncio.Future[Any]: ...
    def create_task(self, *args: Any, **kwargs: Any) -> asyncio.Task[Any]: ...
    def run(self, task: Coroutine[Any, Any, Any] | None = ...) -> Any: ...
    def stop(self) -> None: ...

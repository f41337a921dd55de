"""The one door out of the window's thread: questions and files go to workers through it."""

import itertools
import sys
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, NamedTuple, TypeVar

from PySide6.QtCore import QObject, Qt, Signal, Slot
from shiboken6 import isValid

from control_panel.client.errors import ClientError

_WORKERS = 6
Answer = TypeVar("Answer")


class _Question(NamedTuple):
    function: Callable[[], Any]
    done: Callable[[Any], None]
    failed: Callable[[ClientError], None]
    owner: QObject


class Door(QObject):
    """Runs functions in workers and brings their answers back to the thread that it lives in.

    A worker is given the number of a question, never the question: what it holds is let go of
    here alone. A widget whose last holder is a worker would be destroyed in that worker's thread.
    """

    _came = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(_WORKERS, "door")
        self._numbers = itertools.count()
        self._questions: dict[int, _Question] = {}
        self._answers: deque[tuple[int, object]] = deque()
        self._under_way: set[Future[None]] = set()
        self._closed = False
        self._came.connect(self._hand_over, Qt.ConnectionType.QueuedConnection)

    def ask(
        self,
        function: Callable[[], Answer],
        done: Callable[[Answer], None],
        failed: Callable[[ClientError], None],
        owner: QObject,
    ) -> None:
        """Run it in a worker; then call `done` or `failed` here, unless `owner` is gone by then.

        An error that is no ClientError is a fault of ours and goes to `sys.excepthook`.
        """
        if self._closed:
            return
        number = next(self._numbers)
        self._questions[number] = _Question(function, done, failed, owner)
        work = self._pool.submit(_work, self._questions, number, self._answers, self._came.emit)
        self._under_way.add(work)
        work.add_done_callback(self._under_way.discard)

    def close(self, wait_s: float) -> bool:
        """Take no more questions, drop all answers; whether the workers ended in that time."""
        self._closed = True
        self._pool.shutdown(wait=False)
        return not wait(set(self._under_way), wait_s).not_done

    @Slot()
    def _hand_over(self) -> None:
        number, answer = self._answers.popleft()
        question = self._questions.pop(number)
        if self._closed or not isValid(question.owner):
            return
        if not isinstance(answer, _Failed):
            question.done(answer)
        elif isinstance(answer.error, ClientError):
            question.failed(answer.error)
        else:
            sys.excepthook(type(answer.error), answer.error, answer.error.__traceback__)


class _Failed(NamedTuple):
    error: Exception


def _work(
    questions: Mapping[int, _Question],
    number: int,
    answers: deque[tuple[int, object]],
    wake: Callable[[], None],
) -> None:
    answers.append((number, _answer(questions, number)))
    try:
        wake()
    except RuntimeError:
        return  # the application has ended meanwhile


def _answer(questions: Mapping[int, _Question], number: int) -> object:
    try:
        return questions[number].function()
    except Exception as error:  # noqa: BLE001 -- whatever it is, the window's thread reports it
        return _Failed(error)

"""What other nodes have asked for lately: who asks again, since no answer came, has it done once and hears the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from udup.actors.keeper_told import Asked
from udup.cluster.asking import Answer

#: Answers that are kept. One that is asked for again was given some seconds ago at most.
KEPT = 500


@dataclass
class _Heard:
    """`waiting` are the numbers of those who ask for it."""

    waiting: list[int] = field(default_factory=list)
    answer: Answer | None = None


class HeardWishes:
    """`send` answers who has asked by that number."""

    def __init__(self, send: Callable[[int, Answer], None]) -> None:
        self._send = send
        self._heard: dict[str, _Heard] = {}

    def is_known(self, asked: Asked) -> bool:
        """Whether it was asked for before; who asks is answered then, or will be with the others."""
        heard = self._heard.get(asked.ask.id)
        if heard is None:
            return False
        if heard.answer is not None:
            self._send(asked.number, heard.answer)
        else:
            heard.waiting.append(asked.number)
        return True

    def take(self, asked: Asked) -> Callable[[Answer], None]:
        """Take a new one, and return what answers it."""
        heard, wish = _Heard([asked.number]), asked.ask.id
        if wish:
            self._heard[wish] = heard

        def answer(said: Answer) -> None:
            for number in heard.waiting:
                self._send(number, said)
            heard.waiting.clear()
            heard.answer = said
            if said.not_owner:
                self._heard.pop(wish, None)  # nothing was done
            self._forget_oldest()

        return answer

    def _forget_oldest(self) -> None:
        answered = [wish for wish, each in self._heard.items() if each.answer is not None]
        for wish in answered[:-KEPT]:
            del self._heard[wish]

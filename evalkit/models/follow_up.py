"""The next turn of a conversation whose last answer can't be used, as a caller in production asks again.

A greedy model that is asked the same again says the same. So the conversation goes on: the question, the model's own
answer without its reasoning, and what is wrong with it. That says nothing of the answer that is expected: whoever asks
in production does not know it either.
"""

from __future__ import annotations

from dataclasses import replace

from evalkit.models.request import Message, Request

REMARK = """\
Your last answer can't be used. {problem}
Answer again. Return the JSON object that was asked for, and nothing else."""
"""What is said of an answer that can't be used. Other words are another question: answers to it are stored apart."""


def follow_up(request: Request, said: str, problem: str) -> Request:
    """What is asked after ``request`` was answered with ``said``, which has that ``problem`` (whole sentences).

    Whoever said nothing has no turn of its own, which many templates and servers refuse: the remark then stands at the
    end of the question.

    >>> from evalkit.golden.model import Decoding
    >>> request = Request("t", "x", (Message("user", "The mood as JSON?"),), "", Decoding())
    >>> [message.role for message in follow_up(request, "Good!", "It is no JSON.").messages]
    ['user', 'assistant', 'user']
    >>> print(follow_up(request, "", "It is empty.").messages[0].content)
    The mood as JSON?
    <BLANKLINE>
    Your last answer can't be used. It is empty.
    Answer again. Return the JSON object that was asked for, and nothing else.
    """
    # Half a surrogate pair, which no UTF-8 has, can be in an answer but in no question.
    answer = said.strip().encode("utf-8", "replace").decode()
    remark = REMARK.format(problem=problem.encode("utf-8", "replace").decode())
    asked = request.messages
    if not answer and asked and asked[-1].role == "user":
        last = replace(asked[-1], content=f"{asked[-1].content}\n\n{remark}")
        return replace(request, messages=(*asked[:-1], last))
    own = (Message("assistant", answer),) if answer else ()
    return replace(request, messages=(*asked, *own, Message("user", remark)))

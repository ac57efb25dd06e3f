"""`mail-in` on the command line: a mail server's pipe hands a message over, and it becomes an item."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.service.bootstrap import Services

Add = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]
REFUSED = 65
"""EX_DATAERR of sysexits.h: the message can't be kept, and coming again won't help."""
LATER = 75
"""EX_TEMPFAIL: the mail server keeps the message and hands it over again."""


def declare(add: Add, services: Callable[[], Services]) -> None:
    """Adds the command to a parser. `services` opens the installation when the command runs."""
    made = add("mail-in", _mail_in, "take a mail from standard input as an item / 从标准输入收一封邮件为信息")
    made.set_defaults(services=services)
    made.add_argument("--source-type", default="other", help="source type of R16, e.g. leader_board / 来源类型")
    made.add_argument("--source-name", default="", help="source name; the sender's if left out / 来源名称")


def _mail_in(chosen: argparse.Namespace) -> int:
    from engine.domain.rejection import Rejection
    from engine.service import mail_in
    from engine.service.catalogue import LANGUAGES, sentence
    from engine.service.outages import is_outage

    message = sys.stdin.buffer.read(mail_in.MOST_BYTES + 1)
    try:
        added = mail_in.take(chosen.services(), message, chosen.source_type, chosen.source_name)
    except Exception as error:
        if not is_outage(error):
            raise
        print(f"数据库暂不可用，请稍后再投递: {type(error).__name__}", file=sys.stderr)
        return LATER
    if isinstance(added, Rejection):
        for key, params in [(fault.key, fault.params) for fault in added.fields] or [(added.key, added.details)]:
            print(sentence(key, params, LANGUAGES[0]), file=sys.stderr)
        return REFUSED
    print(f"信息 {added.item_id}{'（已有）' if added.repeated else ''}")
    return 0

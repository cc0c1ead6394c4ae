# SPDX-License-Identifier: Apache-2.0
"""What ``check`` says is wrong, it says with what to do about it."""

import re
from collections.abc import Mapping

#: What begins with what there is to do, or to know for that.
_CURE = re.compile(
    r"""(?:[.:;]\ |^)  # it is a sentence, or the second half of one
    (?:(?:If|Unless|Tokens)\ [^.]*[,:]\ )?
    (?:add|check|choose|copy|correct|create|deploy|enable|fix|give|have
    |install|it\ has\ three|its\ meaning|let|name|remove|renew|replace|run
    |set|two\ nodes|upgrade|use|write)\b""",
    re.IGNORECASE | re.VERBOSE,
)
#: Nova says of itself why; ``nova version`` has the cure.
_TOO_OLD = '(406: '


def without(rows: Mapping[str, tuple[str, str]]) -> list[str]:
    """The findings that are not ok, and have no cure.

    :param rows: the result and the detail by the name of the check.
    """
    return [
        f'{name}: {detail}'
        for name, (result, detail) in rows.items()
        if result != 'ok'
        and not _CURE.search(detail)
        and _TOO_OLD not in detail
    ]

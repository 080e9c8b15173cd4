"""Which workspaces this user has approved: the gate, what an approval covers, what is shown for it, where it is kept.

`gate` asks and answers, `block` is what counts, `lines` is what people are shown, `store` keeps the answers. See
docs/trust.md.
"""

from .gate import (
    approvals,
    approve,
    cover,
    find_approval,
    fingerprint,
    forget_foreign_caches,
    is_trusted,
    is_vouched_for,
    policy,
    refusal,
    renew,
    require,
    revoke,
    settle,
    shown,
    sign,
)
from .store import Approval, store_folder

__all__ = [
    "Approval",
    "approvals",
    "approve",
    "cover",
    "find_approval",
    "fingerprint",
    "forget_foreign_caches",
    "is_trusted",
    "is_vouched_for",
    "policy",
    "refusal",
    "renew",
    "require",
    "revoke",
    "settle",
    "shown",
    "sign",
    "store_folder",
]

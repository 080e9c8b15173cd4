"""Two users of one server: its owner, and one who is logged in and authorized for nothing of ours."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth import Authorizer, PasswordIdentityProvider, User

GUEST_TOKEN = "guest-of-the-house"
OPTIONS = (
    "--ServerApp.identity_provider_class=tests.support.users.TwoUsers",
    "--ServerApp.authorizer_class=tests.support.users.NothingForGuests",
)


class TwoUsers(PasswordIdentityProvider):
    """Knows the guest by a token; the owner as Jupyter Server does."""

    def get_user(self, handler: Any) -> Any:
        if handler.request.headers.get("Authorization") == f"token {GUEST_TOKEN}":
            handler._token_authenticated = True
            return User("guest")
        return super().get_user(handler)


class NothingForGuests(Authorizer):
    """Guests see what everybody may see, and nothing of ours."""

    def is_authorized(self, handler: Any, user: User, action: str, resource: str) -> bool:
        return user.username != "guest" or not resource.startswith("pixi_")

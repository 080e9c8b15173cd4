"""Immutable values without `dataclasses`, which costs every process 20 ms before its first line of work.

::

    class Channel(Value):
        url: str
        name: str = ""

A subclass declares its fields as annotations, with defaults where it likes, and gets what a frozen dataclass with slots
has: a constructor (type checkers know its signature), equality by value, a hash, a `repr`, positional patterns; and
`replace`. Nothing is generated: the constructor below is the only one, so declaring a class costs microseconds.
`class Record(Value, kw_only=True)` takes its fields by keyword alone.

Modules on the way of solving, installing and `pixi run` use it (the last keep `typing`, `re` and `pathlib` away, too);
others are better off with `dataclasses`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self, dataclass_transform
else:

    def dataclass_transform(**_options: object) -> object:
        """What type checkers read means nothing at run time."""
        return lambda kind: kind


EMPTY: Mapping[Any, Any] = {}
"""The default of mappings: one for all, since nobody writes to a `Mapping`."""


@dataclass_transform(frozen_default=True)
class Kind(type):
    """The class of `Value` classes: turns annotations into slots, and defaults into a table."""

    __fields__: tuple[str, ...]
    __names__: frozenset[str]
    __defaults__: dict[str, Any]
    __match_args__: tuple[str, ...]

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], *, kw_only: bool = False) -> Kind:
        """The new class, with slots for its own fields."""
        own = tuple(namespace.get("__annotations__", ()))
        own_defaults = {field: namespace.pop(field) for field in own if field in namespace}
        parents = [base for base in bases if isinstance(base, Kind)]
        fields = (*(field for base in parents for field in base.__fields__), *own)
        table = {
            **namespace,
            "__slots__": own,
            "__fields__": fields,
            "__names__": frozenset(fields),
            "__defaults__": {f: value for base in parents for f, value in base.__defaults__.items()} | own_defaults,
            "__match_args__": () if kw_only else fields,
        }
        return super().__new__(mcs, name, bases, table)


class Value(metaclass=Kind):
    """An object that is what its fields are."""

    def __init__(self, *values: Any, **named: Any) -> None:
        kind = type(self)
        put = object.__setattr__
        if not values and named.keys() == kind.__names__:
            # every field by its name, as whoever makes thousands gives them
            for field, value in named.items():
                put(self, field, value)
            return
        if len(values) > len(kind.__match_args__):
            raise TypeError(f"{kind.__name__} takes {len(kind.__match_args__)} values by position, not {len(values)}")
        for field, value in zip(kind.__fields__, values, strict=False):
            put(self, field, value)
        for field in kind.__fields__[len(values) :]:
            if field in named:
                put(self, field, named.pop(field))
            elif field in kind.__defaults__:
                put(self, field, kind.__defaults__[field])
            else:
                raise TypeError(f"{kind.__name__} needs a value for '{field}'")
        if named:
            raise TypeError(f"{kind.__name__} has no use for {', '.join(named)}")

    def replace(self, **changes: Any) -> Self:
        """The same with other values for some fields. Raises `TypeError` for a name that is no field."""
        return type(self)(**{field: getattr(self, field) for field in type(self).__fields__} | changes)

    def as_dict(self) -> dict[str, Any]:
        """The values by field."""
        return dict(zip(type(self).__fields__, self.as_tuple(), strict=True))

    def as_tuple(self) -> tuple[Any, ...]:
        """The values in the order of the fields."""
        return tuple([getattr(self, field) for field in type(self).__fields__])

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, field) == getattr(other, field) for field in type(self).__fields__)

    def __hash__(self) -> int:
        # mappings have none: two values that differ in nothing else may share a hash
        return hash((type(self), tuple([value for value in self.as_tuple() if type(value) is not dict])))

    def __repr__(self) -> str:
        kind = type(self)
        return f"{kind.__qualname__}({', '.join(f'{field}={getattr(self, field)!r}' for field in kind.__fields__)})"

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} cannot be changed: use `replace({name}=…)`")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} cannot be changed")

    def __reduce__(self) -> tuple[Any, ...]:
        kind = type(self)
        return _restored, (kind, self.as_dict())


def _restored(kind: type[Value], fields: dict[str, Any]) -> Value:
    """What pickling and copying call."""
    return kind(**fields)

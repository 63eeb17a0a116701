"""What all objects of a job's document have in common."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_pascal


class Model(BaseModel):
    """Frozen, with the API's key names; errors never hold the input, which may be a password."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        alias_generator=to_pascal,
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    @classmethod
    def key_names(cls) -> frozenset[str]:
        """The keys of this object as the API spells them."""
        return frozenset(cls.keys_in_order())

    @classmethod
    def keys_in_order(cls) -> tuple[str, ...]:
        """The same in the order in which they are written."""
        return tuple(info.alias or name for name, info in cls.model_fields.items())

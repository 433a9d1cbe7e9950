"""Text of any platform to IR with exact positions, or one located error."""

from .module import Module, parse, parse_module
from .unit import Signature

__all__ = ["Module", "Signature", "parse", "parse_module"]

"""What records say of their events beside their bytes, for who reads them as texts: `stream/told.py`."""

from udup.drivers.mysql.stream.told import Told, decode_told, encode

__all__ = ["Told", "decode_told", "encode"]

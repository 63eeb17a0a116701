"""The binary log as bytes: headers, GTID sets, table maps, payloads. No I/O."""

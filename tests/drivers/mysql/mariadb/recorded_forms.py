"""Logs of MariaDB servers as they wrote them: what stands in them for the server alone, history, sequences.

Made with binlog_row_metadata FULL in a schema of utf8mb4_general_ci (`STATEMENTS`).
"""

from __future__ import annotations

import base64
import zlib

from udup.drivers.mysql.binlog.split import split

STATEMENTS = """
create table u (id int primary key, a text, c varchar(10), unique key (a));
insert into u values (1, repeat('a', 30), 'c'), (2, null, 'd');
update u set a = 'b' where id = 1;
delete from u where id = 2;
create table w (id int primary key, DB_ROW_HASH_1 bigint, a text, unique (a));
insert into w values (1, 2, 'a');
create table z (id int primary key, a text compressed, b varbinary(5000) compressed, c varchar(63) compressed);
insert into z values (1, repeat('a', 500), repeat(x'00ff', 200), 'é'), (2, null, '', repeat('z', 63));
set column_compression_zlib_wrap = 1;
insert into z values (3, repeat('b', 500), 'x', '');
create table v (id int primary key, a varchar(20)) with system versioning;
set timestamp = 1700000000.1;
insert into v values (1, 'one'), (2, 'two');
set timestamp = 1700000001.2;
update v set a = 'first' where id = 1;
set timestamp = 1700000002.3;
delete from v where id = 2;
set timestamp = 1700000003.4;
update v set id = 5;
set timestamp = 1700000004.5;
delete history from v;
create sequence s start with 10 increment by 5;
select nextval(s);
select setval(s, 9000);
create table k (a int) with system versioning;
insert into k values (1)
"""

LOGS: dict[str, str] = {
    "10.5.23": (
        "eNrNWH1wE9cRv9OdPixblmXZOLhNuACNJCwRyTYUCinEOA4fcQ3YJBjccU7SgRVbktFJsuykJEOmMCF4qE1bOi1pgTQNKdOkTScf0LS0k5Qy"
        "ydB0KAmdTDo0nRYSkmlNTYshGHf36e58z7IZYv/RPgbrbt++vX2/377dvWN/ltduZ0SGucbAYPEPzwT8c+fNrazy1YuJiFhb4/NXhKVgIJAK"
        "+Drim5mJhnOBjbEwxQwPo5hh/sbw5RYQWywWA/xYrVbmfzx4J8/YwB1whX1169ASFvb+NO69AiYrWA0AHOLo9fFEvxtVD6DQDYJGMmOD/8FI"
        "DBCZ68cR+Lt1t0jpPTyuXuUHJe9dRb2DqDcHZp8BPQtj0Hnqyf68caUgjZoG1NwJgjuJkknRgmXlypXA7L+HTHFyMsz7GPwXZkIJSUxKQlIM"
        "dkhCSnBHwkIklhQ6E5GomOgW2qVuryAKSSmT9AohIS0mQm1iwh3we7xCKhbZkpJQRXCLHk/I9uR2yudmA/rM6XwuyP4sen+4HjX3o+Y6EDxP"
        "fI7EZCmRxMfHwZO02JGSZMEd8AoJqROcdLtEl1eowie7Qi746670CrFURwfch12ebZHd1WjUiUYbwNwwMVqswMCGGTbF8Nw1u4UzuJlCll1q"
        "YH18qSESZkU2ZKutaV3b8EDr8rsbl7cGLCxz+nrQjObK0NwDYKKJ05vjRwaQudsY8YaDDfX3dT2GS66iN2x4176jg2i2CM3OAJFMzApqHDWe"
        "PUFh+BSHGPK5GJ471dKuYbgABO8QQ6nOMNKZEmQpCbzdJbiCLqGrTUpIAjB7lxBwNv/qKAXTbH4qML1QbV6E5m5BcyEwsYOnYfqsOBF1lgmy"
        "oVUrsuHOdpw4QkH2I/KI2xU8imf8uZmC7A88QmbMhSzxysu1GmQBtEyUwlKHBJBtSsSjgJsOq8p645HLFFarjVPB6pHCwSCam64e/oyRxkqJ"
        "kXcXP36F2vBeojdT2c3L4VsXUxv+jRE3bMrNDc/++32Tlht6QfAV0+RzQ9f4uYHapBCMbAaN0YyhpAhMD9U9B6ZTbmdM6LY5l6emvvl/0nj6"
        "IgheMI1ND1369ABpAFKDZ2bLp+s1tpqxqhDb03RsdQFblmsW1gBcCcjV7cAVzRMrUveVwFvmpyfCWipYCMbupgwrqcCgoSrW1mVvzuw7/1eK"
        "yAfJwtmK5q1zR75NIbLTjIhYcomc1bfmI43I50GwwDJ5IntulOSFUDzamZBkWQp7hSDme6hLoOOeB2XJQ82OVoP5VfoZz0rL8s3UvoIW3Fde"
        "LtOHHmbf1Jj+GgjOWsYy3TNRIQCHPJok4/L7N20CaSWRul5/bkyBcI0u7oFr8Njz/Zneg1q83AuPvYN4WKaLlx6Il129vUbDE85hPN+MgfOx"
        "S/i87AmHHAXR0feLo7u06MBD9nPKjBId+cxO9tKq+z5vnGXD3e9kvxEaettvNTt4KJCvP/evbMAsZXqmNp6d/WILFXGniDN3KLBXrLx8nmLm"
        "Wh4yY81l5sKWH2zQmFkJgjrrxMxUjYIb1JhxZVyIu6cluekTCuZe62RgHgpsOafB/GVY+pZ1DMxY/xzMNvZSZt+qleUE6PW+YxFANsOI64bW"
        "ULhcIKvdyqbXxRacoXApyUdc8sdJqS0fLNNO4hNYoPMnfxLTE51E9WBV+j0eoSuSbBPkbjkpRYW0lJAj8Vgktnn4Y+N/mIuNkuby74jLBblU"
        "PrTmcBg1CZU1IMgrGEtlWn/IXPGYpJ4eV7Ir7vJ8fPT4j9ECobAR1rYQC7foKEwDhXaHg1/NmEwGZBCSaxnhLy8R72qVk2IiacYrKRaGXp9b"
        "/5CzBE2WqaX1MGVSOTUcuCI1XmTY7fsfHRkZsdcsGcCDwoFXtHhjy6mZaE7j901irkJBouYd89OsHqxLBQiWLResujdsp1gVrMUg8Nt0bVV6"
        "tK3aFEnISbq1sjcfGmT1MD1umypMTf0ZJ5ok7dVa7PJ0JhmtvRoHJxQbiZMwwXK2pcpEw8XqRawKPPaNtsIbA68s/237dAKhhrCXrPMpnrzY"
        "fHqfQY/w/YWIcGEuwi+dudBmUBHGLmxH4dguLE11YUXftFQb9LC+VzhVWM3n5qUNKqyrwcwcOw3CyARxNlYMPwZ+z1/SX99eY9CDs4LYu1PZ"
        "+clVva9yenBkO4JjzwWH3fjLr3IqOKT/t+eEH0FlXnTvI+9yelQG7FNFpVleu4NTUWkCM7VF4wXbeFE1YNRPcKbyx5SJ+5m2Bk4Nty+B0tai"
        "ccKNMqkYqJvv28jpMX2KrAwo3tx2eE8fT+W/IsS0KBfT89EPF/Iqpl4QDBbpAq4tIifjkHmzgfd2unwpr0e1zjFVVC1nrfegSdL1t+HLruOm"
        "DtyEwEwQg0Ny/3lej9dJ8pwqBYzhoeufUnhddiBejtwS57i8pxw1SYmLgUAqVkvc8LGXjDdb4mQJOv9YCC4Egkm2jgX8UHFAIypB1Qt2C/OW"
        "zHlGovzaXcyQT0SjQ2mIa58svKzxiJX7FaIkA4+hpBCD5hWKmFv2nJ/7hQKNwwOgsd6JetN1HMr4xQkHC7ZZ1sR3lOL61lg82RoSQ21SuJUU"
        "RFs0EotEU1H1TsyM3uWTXWWv87Q9WcnyVjnSIxWEukMdUmu8MwkVOz97E4qnYkmDdcYAr56JjdgxUg5aRph+p9ZOkHF9hIxH1UZNfbn9kBvz"
        "+eoT3/daNO7qQHDFqb4b3hR3yxrq61c0vbbju8soTmaVoBVnLifxkdAGjROsBatLdJxAtiKUeIWF+PbgOnSyjCLmYsn/FzFXVm79I0XMfaVj"
        "iPHNmiQxx+xNeyli+ksnQcyD32r4DkXMa8RKSe4h/mjD6X9qz4uifNpkDnG2T22HF3hsFCfqRde5fvJryq3GaehWaW4urvjH2SNavGB53DZt"
        "bC/aPtqLek6vGvyhFjGI2gmiXq6LmHaG4xwOg8nEQi7mS8bLwr2Fi49rtFbjWw9lhRsZQjohjfLmA4JStxzmZdVUNv0cedNYoNLZ9BaJe16t"
        "KfeWZT+LZ4f+W25V48Grv/8v4wzg3w=="
    ),
    "11.8.9": (
        "eNrVWH9sE9cdv19xLnYcx/lNispj2Wo72JkdkzYgoCEkaVeGgggMqg6s8/mS3BLbme9sJ4GpUGlth5qJH2NF/THCymjTFtFsQ+3gj1ZjmoBN"
        "iqBTBSIta2DSOroNCmyMAdl757uXu5xNoUsn7UmJ3733fd/7vs/n++O9c4wW9DhaWgniJgEbif4xRCBQ11i3wLeCS4hcS7PPPy8ihAPBZAB0"
        "JuJR0CKERS7m6413EYZW2mgnWKKEYGArIYgLBFPNwmGWZSn4Y7VaM2K48z9vTClD2KE50AKSu/q77Q6491fQ3ufByXkkBgA2NKr1X7aemkSi"
        "e9GgGw50KDN2+BcWYxCGOj9qgV01wZsGuY1Z5eq3L+7sQnI/RXK1cPZnUI4lKJ2lnmIL+jmTqHweSVJIciccaFSELKoUXFaT6ZCAGG5VpmhJ"
        "jjBEwSQxSWwpV+UiBJ8QOFkAMhfuFUASuMUIEGMy6EuIUS4xAHqEAS/ggCz0y17AgxSX4Lu5hDvg93hBMiZ+NykgEeDmPJ7DBWvXGYwPU8h4"
        "Wmd8Ycb4vvsWrEeSw0hyDZ4VY5KQkNHr49CSFNebFCTgDnhBQuiDRrpdnMsLgujNLt4F/7vrvSCW7O2FzxGXRzpTNI6UliKl7VhpiYoHGSHI"
        "JMHQNx0sTbmJIpJsokgfU06JEZIjeXtLc2hV+9rQo0s7Hg0FWJI4MtZ+DamrROrWmtQxjkuIwvsJ7o6N5HdsT29GS24gfshI57/py0htMVI7"
        "Bw5tUvCpUNXXvPrpWwYM99MIQ8aM4YHy3Rsxho14NtkXQXQmgSTIkLfFwBV2gXS3kBAAZHYxCLy6emLnlwBTFVLXYYYpP//63eGkiJFEmOSf"
        "H/v+uAGiPcr2K1XV1y7cSBggOs4giPLMEL1TtVDGEAXwbEToFSBESsJK6rGp33nyTf5LwGaWFvXTsVF94onF43mGDW9TNlOlyte+eBoYNnw4"
        "D23YYk4K5SMNB3BS+DEcWGm5l6QwK3tSSGdPCobdgrDYBSWmUoWaG1BeeGjzi+8Y7B+0IPvzzYSVLVo+ggl7KGteSOvzAox/mBM84gR/A9P2"
        "OF5WoaMtDWljb7IkBUkDiLS5kDQjYSRneK6HBEqRI0GcAxaYFKs5gMLwci1tmYdnqoPnDIyGld1WawpG399qQOS5fIQIa2Z0d2o7jxl9Gw4s"
        "Y++F0fuyMzp4pzQP+Hi0LyFIkhDxgjDK+LBEQRl3A6xQHsPsVD14MKif8bz3z/plhg1GWbTBAjPlr+9ZehxT/r2slA/mKgXQIA8e6Xf5/Z2d"
        "cLReGXUdHZlWIlxTiwdhH1rs2Xem6BZ2nEfwyyt1jjMIHee5oaE86gelt1DEExTtIx9mCjIxD7MVdJNTe152YDcZMqlR3cRGbCWvLv/m7Lwa"
        "WPYL4cM2/vqY35rvZGCJPDryWcZzmojB/64dnm+da3C9DxXUZ6tGbXmj55iBmXwrYsZqZubooWYGM/PY5zATnAI3jJlx9bsQ7p5DH294f6Zh"
        "XpINZlRKncRT5NX+l5Y/Vq0Avc73rgiR7Scu7t1vrCrXlD3fr2oZ3/+r4wZc5tgQLjZzSG74bPYRHJI74MCo7V5Cck72kEzlCkktwur9Hg9I"
        "i3I3kAYkWYiClJCQxHhMjHX9fYjdTVzuELDtZxXbC82c2j8afgBJKpw2Z+U0pY82VzwmaGHkktNxl2f8w9vHkIZSY72v0nGZglw6nE5mJWGx"
        "UIhKmG4rFSILEvF0SJK5hJyPekIsAs//9MBXvvUCUllprLpVxvChoSlCx2WCfHp4EjZH88OXUMTQ0Crj8EtXggxSh4n+SAFirqr28Yv5G0g9"
        "WKwdgWU3g7XthPVtUgNr0fQTVmrqhNUpJiTZeMoa+eXEk+TMwuRec/AkUqmctFZNUwlvMI6cOKHhPMVIOEHS9iZ1YqLReZrUgG+8C+DV5V0n"
        "PrlK6hFuKlLOrup68JvXFlF6hL9ThBAuMiNcVDH2AqUhnP2AljIc0Mau3GaomYX17O/32SkN1pVZQHDk8LPpw/CHYnb+cfTpuGIiBme9A2n6"
        "mqr3g+RQK60H5xkHAsdhBueRV360i9bAqc3ufgoqDa2ta67QM4vK1iPr22gNldU5nS2bV13K00/QlurN6sTCaHMPrbnbwlzuZlCpKpj1wRhJ"
        "6zEdLUZrXKqG8xfZc4wh/xUjTIvNmG6eOL+R0TD1Tne4blGS4zDzZhxvX8Mv6pmZRXXTv34dQyqVC0H33QdcTmBy+GDpkj85GT1eHzuVAqa+"
        "r/3AiQkDXrYShJfTXOuONRzcjySVWpeGA0+VaLXO9t6hvM+rdbXTa50kwEtBjIcdoICTKWgBPyw9UCIqwPIXHgANbWXP+g0GvqkYWKIzkM0Y"
        "+EOq611M6NQVS4KE8jKIweMsrGZuyfOTiQsnMZl7sdwsHZkS+hyFGsmiDVmY3nK0PhSLyyGe47uFSEipjPaoGBOjyaj2xPVPPdmUXWX6BXhP"
        "VmV5SBIHhUJ+gO8VQvE+GZZuW+aBjydj8ir55/MYLTieMBnIThI7SvEBQ2m3J5X2pHZ00y7Af6anfdsaWbLxL5jENnT9KNPujyqJ1XcgMUIs"
        "a1+x4hurd53/7WoDJ02KllIzJ9/+q2sEc+KbzglMWwolXrAA3Sf+cZ1s/j8nxlfzBYmpO+SQDMQcLP8CxLC3bFsMxJxRtJSZo3nTV5en8ftS"
        "KBFU3Es0+7KfXHvgJR8dHXOdTif+4C402DdQgewrN2fndZEH+7HjfD3r6bRn6nTqCX5y9i3sOm1YvFrnOj0ETTudlMVCwuzMlGXLy3Vr5+/G"
        "/M43aaEz369gYmXy9wK1ko3VnjtlyK9LlUtInbp29NNbFjTNaFUmWpn5eJ5p+i++wWHX307/B9uy4vw="
    ),
}


def events_of(version: str) -> list[bytes]:
    """Return the events of a server's log, from its FORMAT_DESCRIPTION on."""
    return list(split(zlib.decompress(base64.b64decode(LOGS[version]))))

"""Logs of MariaDB servers as they sent them, all events from the first on; each has done the same (`STATEMENTS`).

Made with binlog_row_metadata FULL; `log_bin_compress` is ON for the rows of 3 and the table `c`. The last statements
run in three sessions at once, with binlog_commit_wait_count 3.
"""

from __future__ import annotations

import base64
import zlib

STATEMENTS = """
create user u; grant all to u; create database d1; drop table if exists t, c, a, s;
create table t (id int primary key, v varchar(100), b longtext);
insert into t values (1, 'a', 'x'), (2, 'b', 'y'); update t set v = 'c' where id = 1; delete from t where id = 2;
insert into t values (3, 'z', repeat('w', 3000)); update t set v = 'zz' where id = 3; delete from t where id = 3;
create table c (id int primary key /* long long … */); create table s as select * from t;
xa start 'x1', 'b', 3; insert into t values (7, 'xa', 'x'); xa end …; xa prepare …; xa commit 'x1', 'b', 3;
create table a (id int) engine = Aria; insert into a values (1);
set gtid_domain_id = 5; insert into t values (8, 'd5', 'x'); set gtid_domain_id = 0;
set gtid_seq_no = 100; insert into t values (9, 'hole', 'x'); insert into t values (10, 'hole', 'x');
create sequence sq; select nextval(sq); drop sequence sq;
set binlog_alter_two_phase = 1; alter table t add x int; alter table t drop x; alter table t add unique (b(1)); -- fails
flush binary logs; insert into t values (11, 'last', 'x'); create table g (id int primary key, n int, note text);
insert into g values (0, 0, 'x'), … (six of them);
update g set n = 7 where id = 10; -- and 8, 9: by MINIMAL, NOBLOB, and FULL_NODUP of 11.8
delete from g where id = 11;
"""

LOGS: dict[str, str] = {
    "10.5.23": (
        "eNrVmAlwE9cZgHeltS3Llm/FhQbYhIAP5EM2YMAE8AnGF/igDgy2VtZiC2TJ1mFs7jiHKQNNGo4emMZgAhQbypEZEijGBALmCgEzxhBC"
        "0iakwRPIUUpgONz3nlZr/ZJLI9qZTnfmaXe1//77/f/73//e+ymKohg5+omg7AdLMcKVNjYeH+oN2mWlfSt8FwRisYf4CY1/GEodHzsm"
        "NiExJpcz67n01Jj4UTpeq1bb1DEGUwU10IHVhI5TUDIqhGLQEUJRX1LMYBl6JJPJJOgkl8up//HBhDKUAuEgFDriSvjvMXQLphqCG90v"
        "6BMcfgk/3IwfDkdtCnkoc/Ld1dY1IVhkCxaJRm0+jQWclFBR9pMtJr4RS0qwZDVqV4lQaL/gYPsJ/c0W4QtvqcWqY2KoGPzFcjPPWXnW"
        "ZuHNrH4eazRZWb5Ob7FaWNuUiBERrF7HG636eXpex2rr2YjqiPuNX3wByBgJJpO4k3VEtsaLZItQWyZxIYt+ApkfYzaZrL4GUzlnqDRZ"
        "rFSFmTNaWc5gYE1GNjo2mrWaBMaFemsla39sqrbqTcY3TxzaChh3EEapO+OhgAcxIiOHmq8USzoYJU/2nk7t8J+Os3JazsK7+FCn1tY2"
        "ngcoieQDjDvK7a5kuYiyHLV9UjxYfjpKekH+DLYoJTUng83KZDNKsgqLClmNVaPSlKPGoWbRsHHRbAVv5M0ImvQo6vda1PXRcbo/LLoD"
        "QK8RUC930Mk9rb8DoHMY5379yT5DHjOg30i9jtWjrqs266s4cz27gK9XsbVsLWcur+TMker4+CgVq2UNJmOFla+zRpXsXfoVAH2NwaDe"
        "TqD+9tOdjqsPSebAkil4hBFrhglwEoRCWympNPChVEcx3jT6i5YxPhK9jq6ltTKa6pnTSGI9HCsYj5UABdK+e3is0Rz+rbuHo5vW4uv6"
        "Y9e3p+MXg+SCuIa8uEXg291VOh+YsMoLm+DjbsK66ZnTgAl9HppwYWPwDKzgZ1jBBGyGNzQB2kCuy8m1XvftXGBDCXmzRQBccmPvK8CG"
        "Bm9sg8zdhg+/Orsc2PCDt2c2WN4PeQYrGIQVxOBXfVy6wcn1B1d9YATYk4jwVoFp+fePWIBd6YOxfd2xTxTkJwLsb3w8w36x/twfsYJt"
        "WMF01MbKIHaD37G6pltH9yoo1l+6p2j1s6uP803de03xPbfXb739ySlkT3tS93qb4pfD7gwBNhUTTdsE4L//Jvd1YNNyGbZJ7m6Thsm+"
        "AWz6h8wzmy4WT/8RK9iOFcxCLdvXJZwawhuRUd1HFVQQxew51tURsnbQuUJDysW8C5++te79RQkUteJvt+bcmzBkKOqbGur4wd51XvuL"
        "PwP2zSdatwvwO9sT4XBZ54vt83O3r4pN8wf2kSWKB/Zdubnq51jBDvxeNmr5ctc+O+7UZ7ITQ1dfOjNuza+TJvQsSz7V277+WeTkPwcu"
        "SbKtXHHtr8nAKCNRtUMg7sq3hQOjfivHRvm759v6czOKsOQ7WHIpako/z/Jtg2RIXVN27PRcVVZxZFbO6aziad2dOTM7z46aGRl5+myu"
        "amdRZ96uoo8vF3SeOp89bETmM5ub3/mTL1XW/cHK0vCMAoA52Q9jKpwwI4WFSPO7C8VpoRW1Xg8x0woyUooyhBkMz1WRcpbV6HUaPD1E"
        "qtVRbF5+EZtXnJOjwg9qNWCOYNMzMlOKc5wEtBpx0gAP5VHZwQe0YphMwuPC376EdQoTy78Mkxau5SNxVsDpaA142zEr2LPo5VR1FYiC"
        "NiLcKnilMPvQYNG9WNcVf+zeACf35uBli4SuU2uTD4xmQHTPVHgW3UxqU5hIHosThcIlkeIUJ6mzTwbtW65rxA79BWrdCs/WRiUpbEZe"
        "OlsSkTQuUR2hKokYmxChSjw37BIJ55GO3cMjezBJ7TrJGhcZW7vhL0nAM9EB+OuBTp5ZI3qmZuKJoyLqbNReDfAYNS0/NzeryJV2eFyz"
        "EsT/bqI5yH2Yli2dnCsylKMWHPgfLIs4YVkUxfLGCr2RfzEF7ZVSHymaAExyIIYJdoIR5l923vgrYqiglEttJDDPOYcKR9FSikZRwkhR"
        "iJyO620UY2MkakfBG3TfY9wxWSvy1aKRU/H3gjxztN3Lz19/81tgSEKQ8/bGqz+jj92yaTaI+Z1BnsV81xsft4GY7wlyiXnsMoluDIm7"
        "TVfmPgLD9Uci/a4A9lrj7vuA+7lgzK1zn4m+vhX6FuDeGOwZd9uoIXkidzxqZ4JduPEcyVSaDDwh1xqbzwDyXiJ/QMC6pOxbDMjDQjA5"
        "707+2cLPWwH5GyGekavTdxkB+ZEQF3I5IJ+lU8YC8utE/j0Ba1CzaRcgl4Vi8nnuI3DakgMbwWZOH/pUI9DC19h4Y7nrZs5SEzB1wR6A"
        "spagVLiPP/pR+inRiXjJXBaG/37eyYkSSw0uXuCDRm/RtDdjUBrRZFWGvllWzpVX8rqyWs5g4xVVeqO+ylbluOPq+u/8LFbObLVf++qN"
        "yIIqtGGXk9fLLPpFvH95fbmBL7NvjP3sN+Umm9HqtfXmRbGb5qB2ECDK+qibUtFd5HjcR47ljnvH+WupSyUkKT20A2QJWvk0WYLN7ToM"
        "3D2KqKl073m6Y/QE8YNVeDGlfIq9c2HGzOKMvDS8+Kh5wk65UvkpWQOL5a8jSntdC5S/ElrYcZ3Uv62SJagSF578L1XJSLD/P1XJajLL"
        "RohVsmTcaKG7yBQgd4oxSrh3dL5sbUgcqKGVutXQsm9IRwCRl11FEjRX46tBhLWSMpvePSvufz3sDMiKIyWeZcX8GxMyQVacJXHJini5"
        "zBg4i5VkxcUTvzsMsqKNyB8RsBQtDbBA+DYpcc13HxtTmua2i2PDhjM/Ga7Kp1uXVAxYrjHiv1Q4WSI5XKRJ3nnyIxFPhSlINWmBE17A"
        "h8LFeMXtPaJrU/GcRQCHO7u2ArlW+pCWOBwrx441MviDyLfpi+tKwYr8S6BBmHHsN3WKiTNeAI6VkiHpoFnsO3sTII8j5SXDQOR3Nl0O"
        "BOTbGA/JJwWsug/IuxgX8rB+cj7sm+GA/AcifFKQuLzfMAqQDyVVpaqByNNK6QeAfJ2Xh+RpPdkWQH7Uy4Wc6idvXLs4G5B/ToRPCRKb"
        "V7TpALk/qSUZnclPCxfD25lIQP6Kt4fkm7/LOQDI93i7kCuFxIPIi5T2qUwkP0+EHTRbIgadBeQPCLlpIPKDS6WHALnZx0Py7681zwPk"
        "b/u4kPv1kx97yRvuPNuJ8BmBZlVbxk5A3ksKYdUDkT+4G74AkGtkHpKXto85DPfMMhdyup9888HTjXDPTITPCjQVK1UUSH3dpNxV4560"
        "21LvtgBue7XKA+7Cu3deFsun2EsLgQYpLXmMnzzGrs0rGHkMYG8gsucFptjOS9EAu4NUsczu2L29WfsA9hi5h9jxL8X+SsQejVfCQAN+"
        "Ff+BqckF9u+90VwWwF9J3rkgsClvexcC/H2kXmVxx18dfvIxwH/Bz0P8hsy6rWLBF38rzw/iP3TEeUjAJ1cBdBWR7BKIsie9N/Wfbh7K"
        "Wg=="
    ),
    "10.11.18": (
        "eNrVmQt0E2UWgCfJNE2ThpbS0lJ5jLz6MK1Ni7YgCAFKLfQhNIWCuu3kQZs2Tdo8SlpZFrpnWY88dmEVWUUeosiCCuxWdxFEC1gpUECF"
        "ygKieHyB4DmAUg52Yf/7ZzLNTaCYdc+es3POTWYyd+589/73f90wDMOwKvKRxHgPjmGFM0N6BhzatYsGG24tjKiJArVuuCOBD5bRZqRr"
        "tenanLRC3mHhJ09My7jPZDZoM93aNKu9krnNAWb65agZBRPDsOSIYZgvGTZRQW4pFAop+VIqlV5V8eR/frD9WEZNcAiBZFXXCRNAbwTf"
        "B4FIehR1qXU74OYGuDmMyAR6U+EXu0L1H38ElZdAJZVItQQU/IwwKd6vxe/spcakoFlH5BRV6tejmEg/JeRnTg9ncpnTZWLTmDR4o9Fh"
        "5l1mzu00OzjLXM5md3Fmj8XpcnLuCUkjkjiLyWxzWeZazCbO0Mgl1SVtkmTlIjJWCmTSYLKsf8yWi2RNRBZIA8hSeyFTsQ673RVhtRt5"
        "a5Xd6WIqHbzNxfFWK2e3canpqZzLLjDOs7iqOO9te53LYredvLLsNGLcTBllwYyPrI24R2TkiUTIQNPHKO09eiatL34m3sUbeKc5IIYm"
        "7ZCL3y5EKFn0BWwwyqBJ7WNFlKeI7JJBZ/FDGdYLyqLNgh5hmjyj+FFOr5tYkMvlT+Fyy/JL9CVchatCU2EkwhNxVnD3p3KVZpvZQehp"
        "05IEaCA5kHr/yhutcxDxV5Q4LJj4g6GfH0HEtax/A9+N+C89xEIUSQyt5DPZYuIspDHrHJZa3tHI1ZgbNVwD18A7jFW8I1mbkZGi4Qyc"
        "1W6rdJk9rpTN2fVnEPFzLBDL/YgjvV+jps+W0rEENHXQN6hbAiYjJSgSFyOTRXXLTAwrJ+BSiYINl1pMkgaJQSFhlrSNHgcG4sHAaCIl"
        "yIAs/Dr0PgkPn57rkO8SA5w3vv7S0n/Cg9Hw4BAiDvrgFl8f1RenIBfWhIEL4cEubFvhKUQu9JWH5sK55WuvgYEEMDCGyDQ5dgH7QM+N"
        "9Dz2/UQO+VBNn9wqAEYn7lcjH56Rgw+KYB9ujrvShHxgw0Pzofqe2tFgYAAYSCOiDQ9oBr/Ql3ZH6BD2o1T5NYFpo75hI8JuCgfsiGBs"
        "+b7DHQj7ZojYti+d88DAJjAwFYYfBcZuVu3zrLnUukPNcJGy7fqlA5fuN6/p3GHPOPn9sy9/f7qd+LMnu/NZt7q5a/wh5FMltfSGALyu"
        "KkeBfFqhAJ+UwT7F/mFCJvIpPCI0n3ZNvpIOBl4FAzOJPBERkE7N8b8nTnW2qploht2+7+P3Yv40oKPEqvuo6MNPVz6zsymTYRZ+c+mx"
        "62MGDWaYh+uZ/W9feGZWefwF5N98anWbAB/21vIM5N+mCPBPFexf/a3vJyL/+itD8+9p16j3wcBmMDANZgllYJvt92szRdvgpccP5Sxb"
        "kT3m5IKH2i/seXYgw1Tsjpqf7X7q6KrnP0VOLaSmtgvEbaMerEFObVGCU5HBA6855l+JoPkKaC4mkqEKZeDd0TPwNksHedZMS59aqMkv"
        "Tc4vOJhf+kjngYLpBw7fNz05+eDhQs0W/YGi1/XHPplxoP3otCEjpvTfsP6VbRFMeefep4ovvN4H8c5RAa/ajzfZ+zVzvDNWnChguAiL"
        "DOC9yyw7aUauTp8rzGkweyUrOa7CYqqAeSJZq03hior1XFFpQYEGbjRUoMmCm5w7RVda4KdgqBBnD3RTmXKEC28R8+VhIk9S1OH++eK8"
        "Y7486T46TZweYFzajJ72TQ/e4dQ9Yv0JlA4fUOW/CVFp35HMi+G9n8i1SAhvH7/wFsCKRirxaA2SWxtXzGtBiW5Th5boZw0lF0X2dJiC"
        "1AFjKox2Uo93XojaOnS62KSziFxVh7ZwKtNxuUWTubKk7JwsbZKmLOnBzCRN1suX/3wMzI70bS0Svf7KvDbpApi42390U4IYG4hzXh94"
        "e5RfbJaJsfndpV1hIuocIhv6hIw6qbiwMF8fSJs39sHnUQ84RC1HB/fY+V9cTxcZrESyo0LpsTvvsFTihaVSCme2VVps5nE6sqHKGde9"
        "F1HxUUDV149KmJPfuLVmu5gzZBhmWinVCP+c4RmJjGBJGFZGcuW8e2e4mCQjiXyDnpBIbtIp1zR7lehtHqRTdGgR94a7K46dixwpi/bf"
        "BIX1jPLKGZLTKPmPRYeW/BevfncVJf/N6IDkh5BJTQ/QBFyffI8R9dxBNLi7BbARL1jHIe68vsBtCp6dVu8fvR9xt/YNjTv+xGcHRe4M"
        "Ipf7BnDDvMlW2a1mSn44RtOOyKNjQPNdAatk4cc7EfmYGCA3B5Ofm3mxGpG/GRMaed5DsU8g8q9iAsiViPyxserhiJyl6fSegPWi5T4b"
        "Ik/vB+Rzg7ti65HtDWJyVkMj9AulK7YGdUWnud5tthkD937OeunA3R7EtJcyVQZ3xBpd+E4xmhuJLI9lhA7mi6bUWQ+1DjgkCqCTs9Y4"
        "G5nAysk7y428scpsKm/grW6zutZis9S6a31XvKfnSuV08Q6X9zzCYiMe1JL9vZI+Xu60NJkjjY1Gq7ncu49WeS+MdrfNlbi47QexvR4j"
        "ch4hKm4x54X9ta9/3rxFj9/4rn3f38oCCidLSy2H0HCREfefDBfP6cypeD1CzVQFp8DfM2ffEF/YAMNFXChb7X0BW+2S3OmluUWTYGVS"
        "38vGespHQ5sR3w3KZ/Hn85ZRlljn/RrNWPr+ASk6sBe+ZkgX3uoiLxU21BxvMnEemCjmTLswHk2ci/oDQ7U/A+sjaq+897iIUUPkYiBG"
        "Wm9hel/QaxYN3pkrercuH8Wmfzxw1QTHZtsLlRvQwqM2/pfFxuSw13Ge7LM/DUWBeZ4CWFFgfDjVQ2atFRkgv6QJoQSmTQxMzZ0C44Vq"
        "rJmZh6KiSQCo2uCopOXdWILqWMsSfnnGuG0WMrIlG5K1KSnD+MprKD5vUxSbP4rCB3ZiSMtbIg00/rABiGYkO7w3GtHOXanaPi0eAC8S"
        "K9FTB3hLzKgSnan5bV8Nc9eCdebwY/E//ZcK1tTd/6eC9XtVL54WC9YPgUiExKHrLJXf+M0I1762j8x8vAuVs38VVM4+M2nwXqSyKFAl"
        "s2t+2nMo17fSirc9eOlRMmhMBVp6jJT27DV/ztJj6Ge73kVLj5nIAFl6wA3WyjtddOlRbVw9Ai093FT/oIA1uizxHCJfR6vNdcHzTofm"
        "+tdiv1gA60Y6Fcb9zHmn4w67gMrbFkxt8JMGViRED8qkF6+57CIn9Id8Wtit9+Psc0w4WXmlq1aM8URYZ8l6/BBiXEliLOuWSH0RVkKE"
        "bSy8kAT5g3uLbqCt8CVkQVjfeS88/Va3VKMIR9K+6aORfv3Ot4g8hxZ4Hbcj756y+nNEvo0NkfztIy2xiPwMG0Ae20P+wJ6WKkT+E1X+"
        "SNBIiM/fhMiTaF3XeTvy18rmdyLyF8NCjXmCey0iPxgWQM70kG/s+EGOyM9T5eOCxunx1jGIPI5Wc13+5J3CybXLI1sQ+VJ5iOQdZycc"
        "ReQ75QHkccIIRMin7uhajshPUmUfzZbLc64icpYWdN23I//ONKAbkTeFh0g+N6uNReSvhgeQS3rIR6UmXELkbVT5E4HmCV1xMSK/Qskb"
        "bkde9M7MrxC5RREi+akFqkcR+SpFALmqh/zD2jezEPmbVPmEQLMkLHY3GgM/owXnecGj94+nyhYhbn1EiNwT2Txe/AMDorQQWZBJpDeV"
        "vuL80+qSVoS9juqeEpjOWS+/irDbaR3ZE4x93JBeh7AfVoaI/XHrh5tE7FHwDxCyAI/CD0BNTyC+e2wdeHRZQZ854yuvPn40HuHvohXj"
        "xmD8v65bPxbhp6lCxJcvnpIv/uUC75qlwvjdvmyZuGHrBATdQDXP+gaWR4Z88W8hGlNI"
    ),
    "11.8.9": (
        "eNrlmXtUFNcdx2d2F1hYlmeQh6hjUGERkOXhOwYiaHiXlxKNgWF3hIFlF3YHXDyKSo8GG+2JQE6r0vqqj0SpSarHpLZJVGyJsfGtzcND"
        "Wk2t9ZX4iJpS6L13Z2fn7qxUGug/Hc6wO8ydO5/v9/7u6wdBEITCG/yKJGwHRYwibd/K4+LhofU5trm4f6VntS8s1kvYDwWh1cZNjZsW"
        "m0ObWTrthdj4iXqmXJtYr6UWm001VBpTztLGWIOpgsCOwKlqQkkEEApwBBDEVUIRpgR/ViqVMvDh5eVlKyZ8+Z8fikAFoQY4gIC843/h"
        "M/i3HVD7KHiS0CLb8eG4D7ZBY7bBmxHgTEHOKUXeVTcUxsIi22GRaHBWkbAAKXqdxi8Mflw7ujEElpTBkrXg/BwVCnMUtH0lIUAR/OYu"
        "t3B6BeGJfnRmhuYYqt7CmCl2MWU0cRRjZS2chapPiRwfSbF6xsixi1lGT5U3UpG1kYaqvyViZAoZJJNJyQr+KNsvkC0FZ5PMiSx6ADKV"
        "wmwycZ4Gk442VJosHFFhpo0cRRsMlMlIRcdFU5yJZ1zCcpWU7baplmNNxq23dXsxxj2IUS5l1Pyl4F2BkQanpxyWtDPKBnZPr7X7p6c5"
        "upy2ME4e6rV3xnXhDZmIXqCQoiyb2fqGgNICzsNy2FlEKBEDoKy6xZcDTGkFeT+iilJfyE6nMuZQ6SUZhUWFVBlXFlOmAycNTksZNSma"
        "qmCMjBnQo6YFAdAAYiB6Uvus/LkY8deI2E1KvGvR4QqMuEYhbuD/RHzbQcy7CDw0gN9RrJ5iQWPWmtka2txIVTONMVQD1UCbdZW0OUob"
        "H6+Jocopg8lYwTFWTnMvR/kAI/6ZAhK7i4i9bcTFcTIUGIGw5GzhrtaGScgACskRcrlvr/x1UuEOwGXyXsJT4SFj9WQDWa4kiZDp5xph"
        "FcGwihmSKuQej0j0hYYf1kcydFEOLxqn3TvZBh/1g4+OAWcDMvUOX0W3Zm4SJmOrG5ThIZUR/8q+L4ZIRgisYqYLGU46bBc6dJGVXHUA"
        "02FGVn/D17Hp+m+TMR0d7lCHUqoj6sz2/iHSEQqriHPVHOIWuLdkjxtGvhC5+y3/VOihA3jor/aA5J5S8pV+d61DRL4LVpHpgrxZ1WXt"
        "uHVEqybGEsQ7Ec8/+3MFM2m9/0jvmlPz13/3fDVQdOrwpdZ6dVD6eyswVRzy+h5f44o3/d/HVP1SCVV5SVVVbUlpHCJVu2EV81zFVXPw"
        "WiDr4hE14Uco3j527qOAttA/FRpSz+aeudzafvJCG9A109Rz7FL2Wg9iZV74jNP/aD/beSkcU/gaapP7fO3vbjiRjyk86AkVqqQKY/3z"
        "1gyRwj2wiiyX7XYctts7aoLylr+t/MPodec/mbp+w5Tpf26a8XHmw86roNyV5cuT61tSU2ZswmRtQI3ygK8yaOSkdkzWYS8oy1s6Eus/"
        "n54LS+6E99aAM1U1mJH4O8dI3CwbZe3IisvMickojsrIPpFR/OLF7uz87pMT86OiTpzMiXmrqDu3s+j0pYLuj09ljRk/Z8S2rTv3exKl"
        "F4+2vOW55z7GW62CvGoRb5SN97X3N30jzBx7nVYqTzPtzi5ITy1K5yc5OJ1FeVFUGasvgxNHlFaroXLziqjc4uzsGHijoQybPai09Dmp"
        "xdmiAuVlwnSC3fTSZF4asUWImBQBNUEcMZYBIma8e5VFmC/iJM8L84VtaC1ePa0di4gvUGs/4p+y9KbOFBxOBKePGjrsI3I4G65yZKRV"
        "W+7fD01sqkxaNJRT3iRXY6wHajSrba5YuG7EcaFx5/OFB7OmKkml0nPTqJLIKVMTtZExJZGTEyJjEh8sPn8LVjvBvutItsmW2+pEa2Og"
        "ujNs0WPBIuhyhQ98u6/IovWCRSgaM+//xrGMWQDOIz6D5p2dl5OTUeSMvKhp1bNYh7iBavaTduAj59ZPERgM0DffwXTgvicspWh+KaWh"
        "GGMFa2SeSwVbrpyuSHy0XOULqfxFVEob1Uv62x8KsZMg3E0Uxw5NkHKARRIKOYgY80nteSFUJkieIMk+2Ew/GZ8+R1A7F5y5foNz3GZ3"
        "qcfqOkyI1U+8SXJzDPuHdNzRYe8ESoSuT0aBmPy1xwWsI6f42xXBg774UQS+v/OH6HrpjFXxu7r9Q4mudYXuifbllSYDg+DDy7T4QnVy"
        "ANrg8vBTs+d2YfBlARCekcL/i/qqY9jhvXB4xiu7GYOPDUTRwMNvb/22F4OfHwjhF7vYv6ascBOitAp20sDB9El30rlPWpi6esaoc94k"
        "Wuoes/sO4uMEYqqQ9kiT5a5GMHSHcDdJZKjMUgeTIvAglZDOXWEIMoKJrRS8s1RH6yoZfWkDbahn1DWska2pr7Ff0VbHlcrC0WbO9t2T"
        "NQIFNYyR80KPl1rYpYy3rlFnYEptG26V7UJnqjdy5rLfHxIabKEEUdlPXOc34vaO2tePjhX2a/vn3+VOGZaky1eWYePGS0H/zbgx7ZBB"
        "i9n9Y1RNpTQEso61tgsvbADn46DB7MmVJL4nL0zPL07PnQ1XLHUD7MCj20siMb6IEZCPFfMFIIbSpO1Z2NS1fIRTiIYPwNcMw4U2cOCl"
        "/M6bovV6ygpnjB7rwRaBAXa2XyOGKjHDM6xo3bY54VfnBJRquJkKdkKJHcgqL96qZgXrmMuexHatHu/Cs4MhW7XUn33N8Qexpcim4B/m"
        "j95sqgUQ5xJxcz5BAAbMnGqROa1fjT0icMA4SwwZjDkqwZzqJ5ljA1NrNigwZxaFQLAaqTOeC2adxxJfH4T88MipN7JghIsqj9JqND0t"
        "04swj+4gFKMYJaRG5NG2fS872goGQUkoRjRBMW4gImXNQHEjJvv0VjMDXySkr1eE2vLSWPo6YZ7bWbSDdspyOxcLb0zOxbPc5P9Nlrvg"
        "s809UPsOey5sBskHj23xJRrLCf7a3v6r2fc6sRz4K5Ic+PdTL4dhRVY5F0k443E7D4v3vShNbsJWIiNR18ki77tYiUwexEpkcptqv4uV"
        "yGTHSkSFGt5AWzi0Ell33ucuthKxogS4L+/J8SLlbgx+O8pS12LTEOqFvWuuLRC6RhMMQzQzhj/lNBRAut4dVLhMtBrhn2LgAgWUg+nV"
        "5d2vqrGenI8SwnUiTp8g/hV+8H8d+pbwFMHrNKHQFLHXFcBreS8pczjtBZ02KuB7gdk3Dtz3F8yOldTBL/tsF9aNEycYMKNHoF5qhypY"
        "droTEzAX5YfNLgWMBr/aNKVfDr8AwiFglGXtTzEBKpQZDuahfnF74hVMwEyUGba4FAAf70rqeDD8Ap5xCCjq2vU6JoBEKeFQHur7zJc3"
        "YgISUEqYEwsIE4dQ2ovFocMvQMUPUEDArf4eFSbgIRJgh1IuUK/BBEShzHC9SwHw8bEb4zqGX0CQQwDlV/oQE3ALpbZH8lBXmQMRmIDR"
        "KAnc4FIA7AMe1devDb8A0iGA3V17HRPwV5TFDuehZqnfKMFGS2+U412CDfVoRNT7bF40VOTo3yMxUnJS1gfHnz7ocezOxAYM/FOUnB7D"
        "g3dOH3UTA3+EwK1S8Df9Xx05pOBJUnDwMASH3OgL9PjLOz6hmICjaGwdywsg1zA3MAE3URq6USogu/jMlCEVkOgiZmSP7NwgaPqg1fNk"
        "z/Vg/AdR9juC51+Wyv0T4+9BaemlUv4ItqF7qPhDn2bUKYw5rMPIt6B07zievOnmhrZ/A/DNZaE="
    ),
}


def events_of(version: str) -> list[bytes]:
    """Return the events of a version's log, cut at their headers."""
    data, at, found = zlib.decompress(base64.b64decode(LOGS[version])), 0, []
    while at < len(data):
        size = int.from_bytes(data[at + 9 : at + 13], "little")
        found.append(data[at : at + size])
        at += size
    return found

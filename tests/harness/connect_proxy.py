"""An HTTP proxy in a process of its own, which only knows CONNECT, as forward proxies of companies do.

It knows some hosts, each of which is a port on this machine, and prints a line for each request: target and status.
"""

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

_HEADER_END = b"\r\n\r\n"


@dataclass(slots=True)
class ConnectProxy:
    """A running proxy: its port, and the requests so far, as `host:port status`."""

    port: int
    requests: list[str] = field(default_factory=list)


@asynccontextmanager
async def connect_proxy(hosts: Mapping[str, int], credentials: str) -> AsyncIterator[ConnectProxy]:
    """Run a proxy that wants `credentials` (user:password); `hosts` has the ports of the targets, as host:port."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, __file__, json.dumps(dict(hosts)), credentials), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    proxy = ConnectProxy(int(await process.stdout.readline()))
    reading = asyncio.create_task(_read_requests(process.stdout, proxy.requests))
    try:
        yield proxy
    finally:
        process.kill()
        await reading
        await process.wait()


async def _read_requests(lines: asyncio.StreamReader, requests: list[str]) -> None:
    while line := await lines.readline():
        requests.append(line.decode().strip())


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy bytes until either side ends, and close."""
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except (OSError, asyncio.CancelledError):
        pass
    finally:
        writer.close()


async def connect_both(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """Connect a client with a port on this machine until either side ends."""
    inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.gather(pipe(reader, inner_writer), pipe(inner_reader, writer))


async def _serve(
    hosts: Mapping[str, int], credentials: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    request, *headers = (await reader.readuntil(_HEADER_END)).decode().strip().split("\r\n")
    method, target, _ = request.split()
    expected = f"Proxy-Authorization: Basic {base64.b64encode(credentials.encode()).decode()}"
    status = 405 if method != "CONNECT" else 407 if expected not in headers else 200 if target in hosts else 502
    print(target, status, flush=True)  # noqa: T201 - read by the test
    writer.write(f"HTTP/1.1 {status} -\r\n\r\n".encode())
    if status == 200:
        await connect_both(reader, writer, hosts[target])
    writer.close()


async def _main() -> None:
    server = await asyncio.start_server(partial(_serve, json.loads(sys.argv[1]), sys.argv[2]), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - read by the test
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())

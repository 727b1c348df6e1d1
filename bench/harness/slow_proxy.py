"""Makes a server far away: passes bytes on, each direction late by a fixed time, nothing else changed.

slow_proxy.py SERVER_SOCKET_PATH ONE_WAY_SECONDS; listens on 127.0.0.1 and prints "ready PORT".
"""

import asyncio
import sys


async def pass_on(reader, writer, delay_s):
    """Order is kept because a queue is emptied in order; time is kept because each piece has its own."""
    loop = asyncio.get_running_loop()
    pieces = asyncio.Queue()

    async def write():
        while True:
            due, piece = await pieces.get()
            await asyncio.sleep(max(0, due - loop.time()))
            if not piece:
                break
            writer.write(piece)
        writer.close()

    writing = asyncio.create_task(write())
    try:
        while piece := await reader.read(65536):
            pieces.put_nowait((loop.time() + delay_s, piece))
    except ConnectionError:
        pass
    pieces.put_nowait((loop.time() + delay_s, b""))
    await writing


async def serve(path, delay_s):
    async def accept(reader, writer):
        server_reader, server_writer = await asyncio.open_unix_connection(path)
        await asyncio.gather(pass_on(reader, server_writer, delay_s), pass_on(server_reader, writer, delay_s),
                             return_exceptions=True)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, backlog=4096)
    print("ready", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], float(sys.argv[2])))

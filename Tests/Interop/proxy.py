"""A reverse proxy as they stand in front of gateways: one kept connection to it, header fields of its own."""

import socket
import threading


def read_message(stream):
    """A head and, by its length, a body; None: the other side has gone."""
    lines = []
    while True:
        line = stream.readline()
        if not line:
            return None
        if line in (b"\r\n", b"\n"):
            break
        lines.append(line.decode("latin-1").rstrip("\r\n"))
    fields = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]
    length = next((int(value) for name, value in fields if name.lower() == "content-length"), 0)
    return lines[0], fields, stream.read(length)


def written(first, fields, body):
    return "\r\n".join([first, *(f"{name}: {value}" for name, value in fields), "", ""]).encode("latin-1") + body


class Proxy:
    """Each client's requests go over a connection to the gateway that has carried another request before."""

    def __init__(self, port):
        self.target = port
        self.upgrades = 0
        self.requests = 0
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.server.getsockname()[1]}"
        self.open = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            self.open.append(client)
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        gateway = socket.create_connection(("127.0.0.1", self.target))
        self.open.append(gateway)
        try:
            self.carry(client, gateway)
        except OSError:
            pass
        finally:
            client.close()
            gateway.close()

    def carry(self, client, gateway):
        requests, answers = client.makefile("rb"), gateway.makefile("rb")
        gateway.sendall(b"GET /health HTTP/1.1\r\nhost: gateway\r\nconnection: keep-alive\r\n\r\n")
        assert read_message(answers)[0].split()[1] == "200"
        while (request := read_message(requests)) is not None:
            first, fields, body = request
            self.requests += 1
            is_upgrade = any(name.lower() == "upgrade" for name, _ in fields)
            dropped = ("connection", "upgrade", "host")
            kept = [(name.lower(), value) for name, value in fields if name.lower() not in dropped]
            own = [("host", "gateway.internal"), ("via", "1.1 proxy"), ("x-forwarded-for", "203.0.113.7"),
                   ("x-forwarded-proto", "https")]  # fmt: skip
            if is_upgrade:
                own += [("connection", "keep-alive, upgrade"), ("upgrade", "WebSocket")]
            gateway.sendall(written(first, own + kept, body))
            answer = read_message(answers)
            if answer is None:
                return
            client.sendall(written(*answer))
            if answer[0].split()[1] == "101":
                self.upgrades += 1
                back = threading.Thread(target=self.pipe, args=(answers, client), daemon=True)
                back.start()
                self.pipe(requests, gateway)
                back.join(5)
                return

    @staticmethod
    def pipe(source, target):
        try:
            while data := source.read1(65_536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        for connection in [self.server, *self.open]:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            connection.close()

#!/usr/bin/python3
"""A name server for tests, UDP and TCP on the same port of 127.0.0.1, standard library only. Prints `port=NNNN`; ends on SIGTERM.

    dns_peer.py FOLDER      answers from FOLDER/zone.json, which is read anew for each question:
    {"firma.dk": {"MX": ["mail.firma.dk"], "TXT": ["v=spf1 -all"], "A": ["192.0.2.1"], "AAAA": [...], "CNAME": ["x.dk"]}, "1.2.0.192.in-addr.arpa": {"PTR": ["mail.firma.dk"]}}

A name with "!" misbehaves: {"firma.dk": {"!": "silent"}}: silent, servfail, wrong-id (a stranger's answer, and no other), garbage (bytes), loop (compressed names that lead in a
circle). What is longer than 512 bytes is truncated over UDP and whole over TCP; "cut" truncates over TCP too, in the middle of a record."""
import json, os, random, signal, socket, socketserver, struct, sys, threading

TYPES = {1: "A", 5: "CNAME", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA"}


def wire_name(name):
	return b"".join(bytes([len(label)]) + label.encode("latin-1") for label in name.rstrip(".").split(".") if label) + b"\0"


def wire_data(kind, value):
	if kind == "A":
		return socket.inet_pton(socket.AF_INET, value)
	if kind == "AAAA":
		return socket.inet_pton(socket.AF_INET6, value)
	if kind == "MX":
		return struct.pack(">H", 10) + wire_name(value)
	if kind == "TXT":
		text = value.encode("latin-1")
		return b"".join(bytes([len(text[i:i + 255])]) + text[i:i + 255] for i in range(0, len(text), 255) or [0])
	return wire_name(value)


def read_question(query):
	at, labels = 12, []
	while query[at]:
		labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1"))
		at += 1 + query[at]
	kind, _ = struct.unpack(">HH", query[at + 1:at + 5])
	return ".".join(labels).lower(), TYPES.get(kind, "?"), query[12:at + 5]


def answer(folder, query, tcp):
	zone = json.load(open(os.path.join(folder, "zone.json"), encoding="utf-8"))
	name, kind, question = read_question(query)
	entry = zone.get(name)
	bad = (entry or {}).get("!", "")
	number, rcode, records = query[:2], 0 if entry is not None else 3, []
	numbers = {v: k for k, v in TYPES.items()}
	if bad == "silent":
		return None
	if bad == "wrong-id":
		number = struct.pack(">H", struct.unpack(">H", number)[0] ^ 1)
	if bad == "garbage":
		return number + b"\x81\x80" + bytes(random.randrange(256) for _ in range(60))
	if bad == "servfail":
		rcode = 2
	for one in ("CNAME", kind):
		for value in (entry or {}).get(one, []):
			data = b"\xc0\x0c" if bad == "loop" else wire_data(one, value)
			owner = struct.pack(">H", 0xC000 + 12 + len(question)) if bad == "loop" else b"\xc0\x0c"
			records.append(owner + struct.pack(">HHIH", numbers[one], 1, 60, len(data)) + data)
	body = question + b"".join(records)
	flags = 0x8180 | rcode
	if not tcp and len(body) > 500:
		flags, body, records = flags | 0x0200, question, []
	if bad == "cut" and tcp:
		body = body[:len(body) // 2]
	return number + struct.pack(">HHHHH", flags, 1, len(records), 0, 0) + body


class Udp(socketserver.BaseRequestHandler):
	def handle(self):
		said = answer(self.server.folder, self.request[0], False)
		if said:
			self.request[1].sendto(said, self.client_address)


class Tcp(socketserver.StreamRequestHandler):
	def handle(self):
		head = self.rfile.read(2)
		if len(head) < 2:
			return
		said = answer(self.server.folder, self.rfile.read(struct.unpack(">H", head)[0]), True)
		if said:
			self.wfile.write(struct.pack(">H", len(said)) + said)


def open_both():
	"""A port that is free for both; somebody may have the one that UDP got for TCP."""
	while True:
		udp = socketserver.ThreadingUDPServer(("127.0.0.1", 0), Udp)
		try:
			return udp, socketserver.ThreadingTCPServer(udp.server_address, Tcp)
		except OSError:
			udp.server_close()


def main():
	folder = sys.argv[1]
	udp, tcp = open_both()
	for server in (udp, tcp):
		server.folder, server.daemon_threads = folder, True
		threading.Thread(target=server.serve_forever, daemon=True).start()
	print("port=%d" % udp.server_address[1], flush=True)
	signal.sigwait({signal.SIGTERM, signal.SIGINT})
	os._exit(0)


signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
main()

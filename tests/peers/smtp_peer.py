#!/usr/bin/python3
"""An SMTP relay for tests: keeps what it accepts as JSON files and answers by the recipient's local part.

Debian's aiosmtpd belongs to /usr/bin/python3. Prints `port=NNNN` when it listens; ends on SIGTERM.
The local part up to the first '.' or '+' decides:

  nouser     550 5.1.1 at RCPT            spam       554 5.7.1 after the final dot
  full       452 4.2.2 at RCPT            slow       answers after --slow seconds
  grey       451 4.7.1 at RCPT            drop       stored, then the connection is aborted
  grey-once  the same, the first time     drop-once  the same, the first time
  close      421 at RCPT                  cut        connection aborted at DATA, nothing stored
  hang       stored, never answered       hang-once  the same, the first time
  (all others) accepted

A domain named in a line of FOLDER/busy is answered at RCPT with the rest of that line, such as `busy.dk 454 4.7.0 Slow down`; each time is a line
of FOLDER/turned-away. And the local part of the sender at MAIL: refused 550 5.7.1, busy 451 4.3.2, large 552 5.3.4.
"""
import argparse, asyncio, base64, json, os, re, signal, ssl, subprocess, sys, time

from aiosmtpd.smtp import SMTP, AuthResult

REFUSED_AT_RCPT = {
	"nouser": "550 5.1.1 No such user here",
	"full": "452 4.2.2 Mailbox full",
	"grey": "451 4.7.1 Greylisted, try again later",
	"close": "421 4.3.2 Too busy",
}


REFUSED_AT_MAIL = {
	"refused": "550 5.7.1 Sender not allowed",
	"busy": "451 4.3.2 System not accepting mail",
	"large": "552 5.3.4 Message too big",
}


def outcome(address):
	return re.split(r"[.+]", address.rpartition("@")[0], maxsplit=1)[0].lower()


class Handler:
	def __init__(self, folder, slow, pipelining):
		self.folder, self.slow, self.pipelining, self.count, self.seen = folder, slow, pipelining, 0, set()

	def first_time(self, address):
		known = address in self.seen
		self.seen.add(address)
		return not known

	async def handle_EHLO(self, server, session, envelope, hostname, responses):
		session.host_name = hostname
		return responses[:1] + (["250-PIPELINING"] if self.pipelining else []) + responses[1:]

	async def handle_MAIL(self, server, session, envelope, address, options):
		if outcome(address) in REFUSED_AT_MAIL:
			return REFUSED_AT_MAIL[outcome(address)]
		envelope.mail_from = address
		envelope.mail_options.extend(options)
		return "250 2.1.0 OK"

	async def handle_RCPT(self, server, session, envelope, address, options):
		word = outcome(address)
		answer = self.busy(address)
		if answer:
			return answer
		if word == "grey-once" and self.first_time(address):
			word = "grey"
		if word in REFUSED_AT_RCPT:
			return REFUSED_AT_RCPT[word]
		envelope.rcpt_tos.append(address)
		return "250 2.1.5 OK"

	def busy(self, address):
		try:
			with open(os.path.join(self.folder, "busy"), encoding="utf-8") as file:
				lines = [line.strip().split(" ", 1) for line in file]
		except FileNotFoundError:
			return None
		for domain, answer in lines:
			if address.lower().endswith("@" + domain):
				with open(os.path.join(self.folder, "turned-away"), "a", encoding="utf-8") as file:
					file.write("%f %s\n" % (time.time(), address))
				return answer
		return None

	async def handle_DATA(self, server, session, envelope):
		first = envelope.rcpt_tos[0]
		word = outcome(first)
		if word == "spam":
			return "554 5.7.1 Rejected as spam"
		name = self.store(session, envelope)
		if word == "drop" or (word == "drop-once" and self.first_time(first)):
			server.transport.abort()
		if word == "hang" or (word == "hang-once" and self.first_time(first)):
			await asyncio.sleep(3600)
		if word == "slow":
			await asyncio.sleep(self.slow)
		return "250 2.0.0 Ok: queued as %s" % name

	def store(self, session, envelope):
		self.count += 1
		name = "%06d" % self.count
		row = {
			"mail_from": envelope.mail_from,
			"rcpt_to": envelope.rcpt_tos,
			"helo": session.host_name,
			"tls": session.ssl is not None,
			"user": session.auth_data.login.decode() if session.auth_data else "",
			"peer": "%s:%d" % session.peer[:2],
			"text": envelope.original_content.decode("utf-8", "replace"),
			"base64": base64.b64encode(envelope.original_content).decode(),
		}
		path = os.path.join(self.folder, name + ".json")
		with open(path + ".new", "w", encoding="utf-8") as file:
			json.dump(row, file)
		os.rename(path + ".new", path)
		return name


class Peer(SMTP):
	async def smtp_DATA(self, arg):
		if self.envelope.rcpt_tos and outcome(self.envelope.rcpt_tos[0]) == "cut":
			self.transport.abort()
			return
		await super().smtp_DATA(arg)


def certificate(folder, days):
	"""A self-signed certificate for 127.0.0.1, made anew at each start."""
	key, cert = os.path.join(folder, "key.pem"), os.path.join(folder, "cert.pem")
	subprocess.run(
		["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", str(days),
		 "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert],
		check=True, stderr=subprocess.DEVNULL)
	return key, cert


def options():
	parser = argparse.ArgumentParser()
	parser.add_argument("folder", help="where accepted messages go, one JSON file each")
	parser.add_argument("--port", type=int, default=0, help="default: a free one")
	parser.add_argument("--tls", action="store_true", help="offer and require STARTTLS; certificate in FOLDER/cert.pem")
	parser.add_argument("--smtps", action="store_true", help="TLS from the first byte; certificate in FOLDER/cert.pem")
	parser.add_argument("--days", type=int, default=2, help="that the certificate is good")
	parser.add_argument("--pipelining", action="store_true", help="say that commands may come together")
	parser.add_argument("--idle", type=float, default=300, help="closes a connection on which nothing is said for so many seconds")
	parser.add_argument("--auth", default="", help="USER:PASSWORD required")
	parser.add_argument("--slow", type=float, default=5.0, help="seconds for the local part 'slow'")
	return parser.parse_args()


async def main():
	o = options()
	os.makedirs(o.folder, exist_ok=True)
	context = None
	if o.tls or o.smtps:
		key, cert = certificate(o.folder, o.days)
		context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
		context.load_cert_chain(cert, key)
	user, _, password = o.auth.partition(":")

	def authenticate(server, session, envelope, mechanism, data):
		good = data.login == user.encode() and data.password == password.encode()
		return AuthResult(success=good, handled=False, auth_data=data)

	handler = Handler(o.folder, o.slow, o.pipelining)

	def connection():
		return Peer(handler, hostname="peer.example", enable_SMTPUTF8=True, tls_context=context if o.tls else None, timeout=o.idle,
		            require_starttls=o.tls, auth_required=bool(o.auth), auth_require_tls=o.tls,
		            authenticator=authenticate if o.auth else None)

	loop = asyncio.get_running_loop()
	server = await loop.create_server(connection, "127.0.0.1", o.port, ssl=context if o.smtps else None)
	stop = asyncio.Event()
	loop.add_signal_handler(signal.SIGTERM, stop.set)
	loop.add_signal_handler(signal.SIGINT, stop.set)
	print("port=%d" % server.sockets[0].getsockname()[1], flush=True)
	await stop.wait()
	server.close()


asyncio.run(main())
os._exit(0)  # connections that hang on purpose are not waited for

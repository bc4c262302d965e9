#!/usr/bin/python3
"""Kannel as a real SMS gateway for tests: bearerbox, smsbox and fakesmsc (the operator's end), each on free ports of this computer.

Prints `port=NNNN` (of smsbox, path /cgi-bin/sendsms) when all three work together. What reaches the operator becomes a JSON file each:
{"from", "number", "coding": "gsm" or "ucs2", "text", "part": [reference, parts, part] or null}.
Numbers that begin with 4597 are refused.
Each line of a file FOLDER/<name>.phone is a text from a phone, "4522334455 1204 text STOP", which smsbox brings to --inbound (ucs2: percent-encoded). User stafet, password in FOLDER/password.
Ends the three on SIGTERM. Needs the packages kannel and kannel-extras.

  Kannel reports 8 (the operator has it) and 1 (delivered) by itself, in any order, and of a text in several parts for one part only; fakesmsc
  cannot fail. The port on which bearerbox waits for fakesmsc listens on all addresses, but answers 127.0.0.1 only (connect-allow-ip).
"""
import argparse, ctypes, json, os, re, secrets, signal, socket, subprocess, sys, threading, time, urllib.parse, urllib.request

FAKESMSC = "/usr/lib/kannel/test/fakesmsc"
CONF = """group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = {password}
status-password = {password}
admin-deny-ip = "*.*.*.*"
admin-allow-ip = "127.0.0.1"
smsbox-port = {boxes}
smsbox-interface = 127.0.0.1
box-deny-ip = "*.*.*.*"
box-allow-ip = "127.0.0.1"
dlr-storage = internal

group = smsc
smsc = fake
smsc-id = OPERATOR
host = 127.0.0.1
port = {operator}
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = {boxes}
sendsms-port = {port}
sendsms-interface = 127.0.0.1
sendsms-chars = "0123456789 +-"
global-sender = 1204

group = sendsms-user
username = stafet
password = {password}
concatenation = true
max-messages = 10
default-smsc = OPERATOR
black-list-regex = ^4597

group = sms-service
keyword = default
{service}
max-messages = 0
"""
NAMES = ("admin", "boxes", "operator", "port")


def free_ports():
	sockets = [socket.socket() for _ in NAMES]
	for s in sockets:
		s.bind(("127.0.0.1", 0))
	ports = {name: s.getsockname()[1] for name, s in zip(NAMES, sockets)}
	for s in sockets:
		s.close()
	return ports


def end_with_parent():
	ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def wait_for(what, seconds=15):
	end = time.time() + seconds
	while time.time() < end:
		try:
			if what():
				return True
		except OSError:
			pass
		time.sleep(0.05)
	return False


class Kannel:
	def __init__(self, folder, inbound):
		self.inbound = inbound
		self.folder, self.children, self.count = folder, [], 0
		self.password = secrets.token_hex(8)
		path = os.path.join(folder, "password")
		with open(path, "w") as file:
			file.write(self.password + "\n")
		os.chmod(path, 0o600)

	def run(self, name, *command, **options):
		log = open(os.path.join(self.folder, name + ".log"), "w")
		child = subprocess.Popen(command, cwd=self.folder, preexec_fn=end_with_parent, **{"stdout": log, "stderr": log, **options})
		self.children.append(child)
		return child

	def start(self):
		"""False: a port was taken meanwhile."""
		ports = self.ports = free_ports()
		conf = os.path.join(self.folder, "kannel.conf")
		with open(conf, "w") as file:
			service = 'get-url = "%s?from=%%p&text=%%b&charset=%%C&id=%%I"' % self.inbound if self.inbound else 'text = "nobody reads this"'
			file.write(CONF.format(password=self.password, service=service, **ports))
		self.run("bearerbox", "/usr/sbin/bearerbox", "-v", "1", conf)
		if not wait_for(lambda: socket.create_connection(("127.0.0.1", ports["boxes"])).close() is None):
			return False
		self.run("smsbox", "/usr/sbin/smsbox", "-v", "1", conf)
		self.operate("0", "4511111111 1204 text x")
		return wait_for(lambda: socket.create_connection(("127.0.0.1", ports["port"])).close() is None) and wait_for(self.is_online)

	def operate(self, most, message):
		"""The operator's end, which sends that message so often, and takes what comes."""
		self.operator = self.run("fakesmsc", FAKESMSC, "-H", "127.0.0.1", "-r", str(self.ports["operator"]), "-m", most, message, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
		threading.Thread(target=self.read, args=(self.operator.stdout,), daemon=True).start()

	def phone(self, message):
		self.operator.terminate()
		self.operator.wait(5)
		self.operate("1", message)
		wait_for(self.is_online)
		time.sleep(0.3)

	def phones(self):
		"""Every text that somebody put into the folder, once."""
		for name in sorted(n for n in os.listdir(self.folder) if n.endswith(".phone")):
			path = os.path.join(self.folder, name)
			with open(path, encoding="utf-8") as file:
				lines = file.read().splitlines()
			os.unlink(path)
			for line in lines:
				self.phone(line)

	def is_online(self):
		with urllib.request.urlopen("http://127.0.0.1:%d/status.txt?password=%s" % (self.ports["admin"], self.password)) as answer:
			return re.search(rb"OPERATOR.*online", answer.read()) is not None

	def read(self, lines):
		for line in lines:
			found = re.search(rb"Got message \d+: <(\S+) (\S+) (.*)>$", line.rstrip())
			if found:
				self.store(*found.groups())

	def store(self, sender, number, rest):
		kind, *words = rest.split(b" ", 1)
		part = None
		if kind == b"udh":
			header, _, raw = words[0].split(b" ", 2)
			part = list(urllib.parse.unquote_to_bytes(header)[3:6])
		else:
			raw = words[0]
		text = urllib.parse.unquote_to_bytes(raw.replace(b"+", b" "))
		coding, text = decode(kind, text)
		self.count += 1
		path = os.path.join(self.folder, "%06d.json" % self.count)
		with open(path + ".new", "w", encoding="utf-8") as file:
			json.dump({"from": urllib.parse.unquote_plus(sender.decode()), "number": number.decode(), "coding": coding, "text": text, "part": part}, file)
		os.rename(path + ".new", path)

	def stop(self, *_):
		for child in reversed(self.children):
			if child.poll() is None:
				child.terminate()
		for child in self.children:
			try:
				child.wait(5)
			except subprocess.TimeoutExpired:
				child.kill()
				child.wait()
		self.children = []


def decode(kind, raw):
	"""A part of a long text does not tell its coding: what has control characters or is no UTF-8 is UCS-2."""
	if kind == b"text":
		return "gsm", raw.decode("utf-8", "replace")
	try:
		if kind == b"udh" and not re.search(rb"[\x00-\x09\x0b-\x1f]", raw):
			return "gsm", raw.decode("utf-8")
	except UnicodeDecodeError:
		pass
	return "ucs2", raw.decode("utf-16-be", "replace")


def main():
	parser = argparse.ArgumentParser()
	parser.add_argument("folder", help="where messages go, one JSON file each, and Kannel's own files")
	parser.add_argument("--inbound", help="where texts from phones are brought")
	o = parser.parse_args()
	os.makedirs(o.folder, exist_ok=True)
	kannel = Kannel(o.folder, o.inbound)

	def end(*_):
		kannel.stop()
		os._exit(0)

	signal.signal(signal.SIGTERM, end)
	signal.signal(signal.SIGINT, end)
	for _ in range(3):
		if kannel.start():
			break
		kannel.stop()
	else:
		sys.exit("Kannel does not start; see %s/*.log" % o.folder)
	print("port=%d" % kannel.ports["port"], flush=True)
	while True:
		kannel.phones()
		time.sleep(0.05)


main()

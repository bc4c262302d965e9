#!/usr/bin/python3
"""An SMS gateway over HTTP for tests: keeps each request as a JSON file and answers by the number's last three digits.

Prints `port=NNNN` when it listens; ends on SIGTERM.

  400 401 403 404 429 500 502 503 504   that HTTP status, nothing sent
  214   403 with the code of a number that is blocked    216   403 with the code of an account without credit
  202   Kannel's answer, 202 "0: Accepted for delivery"
  301   a redirect to /elsewhere                 990   200 with a page of HTML that has "ids" in it
  988   200 with {"ids": []}                     991   200 and nothing
  989   201, else as a good one                  992   200 with JSON that is cut off
  993   200 with 300 KB of blanks before it      994   200 with {"ids": [n]} and something behind it
  995   200, and the answer repeats the text     997   taken, never answered
  996   200, but the connection ends in the      998   taken, connection closed without an answer
        middle of the answer                     999   200 with {"error": ...}, nothing sent
  (all others)   200 {"ids": [n], "usage": {...}}, as GatewayAPI

The number is found under to, msisdn, recipient or recipients, in the query, a form body or a JSON body.
"""
import argparse, json, os, signal, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

REFUSALS = {214: "0x0215", 216: "0x0216"}
STATUSES = {400, 401, 403, 404, 429, 500, 502, 503, 504}
NONSENSE = {
	202: (202, "text/plain", "0: Accepted for delivery"),
	301: (302, "text/html", "<p>moved</p>"),
	988: (200, "application/json", '{"ids": []}'),
	989: (201, "application/json", '{"ids": [N]}'),
	990: (200, "text/html", '<!doctype html><title>Log ind</title><p>{"ids": [1]}'),
	991: (200, "application/json", ""),
	992: (200, "application/json", '{"ids": [N], "usage": {"coun'),
	993: (200, "application/json", " " * 300000 + '{"ids": [N]}'),
	994: (200, "application/json", '{"ids": [N]} {"error": "x"}'),
}
NUMBER_KEYS = ("to", "msisdn", "recipient", "recipients")


def find(value, keys):
	if isinstance(value, dict):
		for key, inner in value.items():
			if key in keys and isinstance(inner, (str, int)):
				return str(inner)
			found = find(inner, keys)
			if found:
				return found
	if isinstance(value, list):
		for inner in value:
			found = find(inner, keys)
			if found:
				return found
	return ""


class Handler(BaseHTTPRequestHandler):
	protocol_version = "HTTP/1.1"

	def log_message(self, *args):
		pass

	def fields(self, body):
		query = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
		kind = self.headers.get("Content-Type", "")
		if "json" in kind:
			return {**query, **json.loads(body)}
		return {**query, **dict(parse_qsl(body.decode(), keep_blank_values=True))}

	def handle_any(self):
		body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
		try:
			fields = self.fields(body)
		except (ValueError, UnicodeDecodeError):
			return self.answer(400, {"error": "body is no JSON"})
		number = find(fields, NUMBER_KEYS)
		last = int(number[-3:]) if number[-3:].isdigit() else 0
		index = self.store(fields, number, body)
		if last in STATUSES:
			return self.answer(last, {"error": "refused %d" % last})
		if last in REFUSALS:
			return self.answer(403, {"code": REFUSALS[last], "incident_uuid": "d8127429", "message": "refused for %1", "variables": [number]})
		self.act(last, index, body)

	def act(self, last, index, body):
		self.close_connection = last in (996, 997, 998)
		if last == 997:
			time.sleep(3600)
		elif last == 996:
			self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"id")
		elif last == 995:
			self.answer(200, {"ids": [index], "echo": body.decode("utf-8", "replace")})
		elif last in NONSENSE:
			status, kind, text = NONSENSE[last]
			self.send(status, kind, text.replace("N", str(index)))
		elif last == 999:
			self.answer(200, {"error": "no credit left"})
		elif last != 998:
			self.answer(200, {"ids": [index], "usage": {"countries": {"DK": 1}, "currency": "DKK", "total_cost": 0.12}})

	do_GET = do_POST = handle_any

	def answer(self, status, value):
		self.send(status, "application/json", json.dumps(value))

	def send(self, status, kind, text):
		text = text.encode()
		self.send_response(status)
		if status == 302:
			self.send_header("Location", "/elsewhere")
		self.send_header("Content-Type", kind)
		self.send_header("Content-Length", str(len(text)))
		self.end_headers()
		self.wfile.write(text)

	def store(self, fields, number, body):
		server = self.server
		with server.lock:
			server.count += 1
			index = server.count
		row = {
			"method": self.command, "path": urlsplit(self.path).path, "number": number, "fields": fields,
			"headers": dict(self.headers.items()), "body": body.decode("utf-8", "replace"),
		}
		path = os.path.join(server.folder, "%06d.json" % index)
		with open(path + ".new", "w", encoding="utf-8") as file:
			json.dump(row, file)
		os.rename(path + ".new", path)
		return index


def main():
	parser = argparse.ArgumentParser()
	parser.add_argument("folder", help="where requests go, one JSON file each")
	parser.add_argument("--port", type=int, default=0, help="default: a free one")
	o = parser.parse_args()
	os.makedirs(o.folder, exist_ok=True)
	server = ThreadingHTTPServer(("127.0.0.1", o.port), Handler)
	server.daemon_threads = True
	server.handle_error = lambda *_: None  # who hangs up is no news
	server.folder, server.count, server.lock = o.folder, 0, threading.Lock()
	signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
	signal.signal(signal.SIGINT, lambda *_: os._exit(0))
	print("port=%d" % server.server_address[1], flush=True)
	server.serve_forever()


main()

/* notify: tells the service manager how far we are (systemd's Type=notify: a datagram to the socket that $NOTIFY_SOCKET names). Any thread. */
#ifndef ENGINE_BASE_NOTIFY_H
#define ENGINE_BASE_NOTIFY_H

/* state: "READY=1", "STOPPING=1". Without such a manager nothing happens; one that cannot be reached is no fault of ours. */
void notify_manager(const char *state);

#endif

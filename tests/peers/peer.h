/* peer: starts a peer of this folder as a child of a test, reads its port, stops it by pid. Header only, for tests. */
#ifndef TESTS_PEERS_PEER_H
#define TESTS_PEERS_PEER_H

#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct peer {
	pid_t pid;
	int port;
	char folder[64]; /* a new one below /tmp, gone after peer_stop */
};

static inline void peer_exec(const char *script, char *folder, const char *const *options, int out) {
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	dup2(out, STDOUT_FILENO);
	char path[PATH_MAX];
	const char *slash = strrchr(__FILE__, '/');
	snprintf(path, sizeof path, "%.*s/%s", (int)(slash - __FILE__), __FILE__, script);
	char *argv[16] = {(char[]){"/usr/bin/python3"}, path, folder};
	for (int i = 0; i < 12 && options && options[i]; i++)
		argv[3 + i] = strdup(options[i]);
	execv(argv[0], argv);
	_exit(127);
}

/* False: it did not start (its complaint is on stderr). options: NULL-ended, may be NULL. */
static inline bool peer_start(struct peer *p, const char *script, const char *const *options) {
	int pipe_ends[2];
	snprintf(p->folder, sizeof p->folder, "/tmp/stafet-peer-XXXXXX");
	if (!mkdtemp(p->folder) || pipe(pipe_ends) != 0)
		return false;
	p->pid = fork();
	if (p->pid == 0)
		peer_exec(script, p->folder, options, pipe_ends[1]);
	close(pipe_ends[1]);
	char line[64] = "";
	FILE *in = fdopen(pipe_ends[0], "r");
	bool ok = p->pid > 0 && in && fgets(line, sizeof line, in) && sscanf(line, "port=%d", &p->port) == 1;
	if (in)
		fclose(in);
	return ok;
}

/* Complete messages in its folder. */
static inline int peer_count(const struct peer *p) {
	int count = 0;
	DIR *folder = opendir(p->folder);
	for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;) {
		size_t len = strlen(entry->d_name);
		count += len > 5 && strcmp(entry->d_name + len - 5, ".json") == 0;
	}
	if (folder)
		closedir(folder);
	return count;
}

/* The nth message (1 first) as JSON text; the caller frees it. NULL: there is none. */
static inline char *peer_read(const struct peer *p, int n) {
	char path[128];
	snprintf(path, sizeof path, "%s/%06d.json", p->folder, n);
	FILE *in = fopen(path, "r");
	if (!in)
		return NULL;
	size_t cap = 1 << 20;
	char *text = calloc(1, cap + 1);
	if (text && fread(text, 1, cap, in) == 0)
		text[0] = '\0';
	fclose(in);
	return text;
}

static inline void peer_stop(struct peer *p) {
	if (p->pid > 0) {
		kill(p->pid, SIGTERM);
		waitpid(p->pid, NULL, 0);
	}
	DIR *folder = opendir(p->folder);
	for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;) {
		char path[512];
		snprintf(path, sizeof path, "%s/%s", p->folder, entry->d_name);
		if (entry->d_name[0] != '.')
			unlink(path);
	}
	if (folder)
		closedir(folder);
	rmdir(p->folder);
}

/* Debian's Python with aiosmtpd, without which the peers cannot run. */
static inline bool peer_possible(void) {
	return access("/usr/bin/python3", X_OK) == 0 && system("/usr/bin/python3 -c 'import aiosmtpd' 2>/dev/null") == 0;
}

#endif

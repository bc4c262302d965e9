#include "otp-portal/share.h"

#include "engine/base/err.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { NETWORK_BYTES = 64 };

struct share {
	pthread_mutex_t lock;
	size_t most, most_of_one, count;
	char holders[SHARE_MOST][NETWORK_BYTES];
};

struct share *share_open(size_t most, size_t most_of_one) {
	struct share *s = calloc(1, sizeof *s);
	BUG_IF(s == NULL || most > SHARE_MOST);
	pthread_mutex_init(&s->lock, NULL);
	s->most = most;
	s->most_of_one = most_of_one;
	return s;
}

void share_close(struct share *s) {
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* An address that is longer than any is told by its beginning. */
static void write_key(char key[NETWORK_BYTES], struct str network) {
	memset(key, 0, NETWORK_BYTES);
	if (network.len > 0)
		memcpy(key, network.at, network.len < NETWORK_BYTES ? network.len : NETWORK_BYTES);
}

bool share_take(struct share *s, struct str network) {
	char key[NETWORK_BYTES];
	size_t of_one = 0;
	write_key(key, network);
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->count; i++)
		of_one += memcmp(s->holders[i], key, NETWORK_BYTES) == 0;
	bool room = s->count < s->most && of_one < s->most_of_one;
	if (room)
		memcpy(s->holders[s->count++], key, NETWORK_BYTES);
	pthread_mutex_unlock(&s->lock);
	return room;
}

void share_give(struct share *s, struct str network) {
	char key[NETWORK_BYTES];
	size_t i = 0;
	write_key(key, network);
	pthread_mutex_lock(&s->lock);
	while (i < s->count && memcmp(s->holders[i], key, NETWORK_BYTES) != 0)
		i++;
	BUG_IF(i == s->count);
	s->count--;
	memmove(s->holders[i], s->holders[s->count], NETWORK_BYTES);
	pthread_mutex_unlock(&s->lock);
}

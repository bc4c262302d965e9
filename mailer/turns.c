#include "mailer/turns.h"

#include <stdlib.h>

enum { LOOK = 64, MOVES_MAX = 1000 }; /* so many rows change their line in one transaction */

/* What the limits are at this moment, and which of them this transaction has changed. */
struct limits {
	const struct turns *turns;
	struct arena *arena;
	struct pace_list paces;
	int64_t now;
	enum way way;
	struct pace first, relay; /* the relay itself; the one on that way */
	struct rate relay_rate;
};

struct str turns_relay(enum channel channel, enum way way) {
	return channel == CHANNEL_SMS ? STR(":sms") : way == WAY_SECOND ? STR(":mail fallback") : STR(":mail");
}

struct str turns_domain(struct arena *a, struct str address) {
	str_cut(&address, '@');
	char *domain = arena_alloc(a, address.len + 1);
	for (size_t i = 0; i < address.len; i++) {
		char c = address.at[i];
		domain[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	return (struct str){domain, address.len};
}

static struct pace pace_of(const struct limits *l, struct str name) {
	for (size_t i = 0; i < l->paces.count; i++)
		if (str_equal(l->paces.items[i].name, name))
			return l->paces.items[i];
	return (struct pace){.name = name};
}

static struct rate rate_of(const struct limits *l, struct str domain) {
	return throttle_rate_of(l->turns->mail, domain);
}

static bool read_limits(struct view *v, const struct turns *t, int64_t now, struct arena *a, struct limits *out, struct err *err) {
	*out = (struct limits){.turns = t, .arena = a, .now = now};
	if (t->mail && !pace_list(v, a, &out->paces, err))
		return false;
	out->first = out->relay = pace_of(out, turns_relay(t->lane.channel, WAY_FIRST));
	if (t->mail && t->mail->fallback && t->lane.channel == CHANNEL_MAIL && breaker_ready_at(&out->first, now) > now) {
		out->way = WAY_SECOND;
		out->relay = pace_of(out, turns_relay(t->lane.channel, WAY_SECOND));
	}
	if (t->mail && t->lane.channel == CHANNEL_MAIL)
		out->relay_rate = throttle_rate(t->mail->per_minute);
	return true;
}

/* Does any domain have a limit at all? */
static bool any_domain(const struct limits *l) {
	const struct turns *t = l->turns;
	return t->mail && t->lane.channel == CHANNEL_MAIL && (t->mail->per_domain.other > 0 || t->mail->per_domain.count > 0 || l->paces.count > 0);
}

static bool is_limited(const struct limits *l, struct str domain) {
	struct pace p = pace_of(l, domain);
	return throttle_limits(&p, rate_of(l, domain), l->now);
}

/* Rows at the head of the common line that belong elsewhere go there, until what stands there may go. *more: that is not so yet. */
static bool sort_lines(struct tx *tx, const struct limits *l, bool *more, struct err *err) {
	struct line_rows first;
	int moved = 0, before;
	do {
		before = moved;
		if (!line_first(tx_view(tx), l->turns->lane, OUTBOX_CODE, l->now, LOOK, l->arena, &first, err))
			return false;
		for (size_t i = 0; i < first.count; i++) {
			if (!is_limited(l, first.items[i].domain))
				continue;
			if (!line_move(tx, first.items[i].id, first.items[i].domain, err))
				return false;
			moved++;
		}
	} while (moved > before && moved < MOVES_MAX);
	*more = moved > before;
	return true;
}

static int64_t line_ready_at(const struct limits *l, struct str name) {
	struct pace p = pace_of(l, name);
	return name.len == 0 || !l->turns->mail ? 0 : throttle_ready_at(&p, rate_of(l, name), l->now);
}

static int64_t room_of(const struct limits *l, struct str name, int64_t room) {
	if (line_ready_at(l, name) > l->now)
		return 0;
	return room > 1 && name.len > 0 && is_limited(l, name) ? 1 : room;
}

/* What is due before what is not; then as in one line. */
static int by_turn(const void *a, const void *b) {
	const struct line *x = a, *y = b;
	if (x->due != y->due)
		return x->due ? -1 : 1;
	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return x->next_at < y->next_at ? -1 : x->next_at > y->next_at;
}

static bool lease_lines(struct tx *tx, const struct limits *l, struct outbox_lane lane, int64_t lease_until, int64_t room, struct outbox_list *out, struct err *err) {
	struct line_list lines;
	if (!line_list(tx_view(tx), lane, l->now, l->arena, &lines, err))
		return false;
	if (lines.count > 1)
		qsort(lines.items, lines.count, sizeof *lines.items, by_turn);
	for (size_t i = 0; i < lines.count && lines.items[i].due; i++) {
		int64_t n = room_of(l, lines.items[i].name, room - (int64_t)out->count);
		lane.line = lines.items[i].name;
		if (n > 0 && !outbox_lease(tx, lane, l->turns->owner, l->now, lease_until, n, l->arena, out, err))
			return false;
		if (out->count > 0 && out->items[out->count - 1].crashes > 1)
			break; /* held in a crash: alone */
	}
	return true;
}

static bool count_relay(struct tx *tx, struct limits *l, const struct outbox_list *rows, struct err *err) {
	bool probe = breaker_is_open(&l->relay) && rows->count > 0;
	if (probe)
		breaker_probe(&l->relay, l->now);
	for (size_t i = 0; i < rows->count && l->relay_rate.interval_ms > 0; i++)
		throttle_take(&l->relay, l->relay_rate, l->now);
	return (!probe && (rows->count == 0 || l->relay_rate.interval_ms == 0)) || pace_save(tx, &l->relay, err);
}

/* Before any of them is sent. */
static bool count_domains(struct tx *tx, struct limits *l, const struct outbox_list *rows, struct err *err) {
	for (size_t i = 0; i < rows->count; i++) {
		struct str domain = turns_domain(l->arena, rows->items[i].recipient);
		struct pace p;
		if (!is_limited(l, domain))
			continue;
		if (!pace_load(tx_view(tx), domain, l->arena, &p, err))
			return false;
		throttle_take(&p, rate_of(l, domain), l->now);
		if (!pace_save(tx, &p, err))
			return false;
	}
	return true;
}

bool turns_lease(struct tx *tx, const struct turns *t, int64_t now, int64_t lease_until, int64_t limit, struct arena *a, struct outbox_list *out, enum way *way,
                 bool *more, struct err *err) {
	struct limits l;
	struct outbox_lane lane = t->lane;
	*out = (struct outbox_list){0};
	*more = false;
	if (!read_limits(tx_view(tx), t, now, a, &l, err))
		return false;
	*way = l.way;
	lane.certain = l.way == WAY_SECOND;
	if (breaker_ready_at(&l.relay, now) > now)
		return true;
	if (l.relay_rate.interval_ms > 0 && throttle_ready_at(&l.relay, l.relay_rate, now) > now)
		lane.most = OUTBOX_CODE;
	bool domains = any_domain(&l);
	if (domains && lane.most > OUTBOX_CODE && !sort_lines(tx, &l, more, err))
		return false;
	if (*more)
		lane.most = OUTBOX_CODE;
	int64_t room = breaker_is_open(&l.relay) || l.relay_rate.interval_ms > 0 ? 1 : limit;
	return lease_lines(tx, &l, lane, lease_until, room, out, err) && (!t->mail || count_relay(tx, &l, out, err)) &&
	       (!domains || count_domains(tx, &l, out, err));
}

bool turns_next(struct view *v, const struct turns *t, int64_t now, struct arena *a, int64_t *next_at, struct err *err) {
	struct limits l;
	struct line_list lines;
	struct outbox_lane lane = t->lane;
	*next_at = t->lane.quiet_until > now ? t->lane.quiet_until : INT64_MAX;
	if (!read_limits(v, t, now, a, &l, err))
		return false;
	lane.certain = l.way == WAY_SECOND;
	if (!line_list(v, lane, now, a, &lines, err))
		return false;
	for (size_t i = 0; i < lines.count; i++) {
		int64_t ready_at = line_ready_at(&l, lines.items[i].name);
		int64_t at = lines.items[i].next_at > ready_at ? lines.items[i].next_at : ready_at;
		*next_at = at < *next_at ? at : *next_at;
	}
	int64_t relay_at = breaker_ready_at(&l.relay, now);
	if (t->lane.most > OUTBOX_CODE && l.relay_rate.interval_ms > 0 && throttle_ready_at(&l.relay, l.relay_rate, now) > relay_at)
		relay_at = throttle_ready_at(&l.relay, l.relay_rate, now);
	if (*next_at < INT64_MAX && relay_at > *next_at)
		*next_at = relay_at;
	/* Then it may be asked again, also by what goes through it alone. */
	if (l.way == WAY_SECOND && breaker_ready_at(&l.first, now) < *next_at)
		*next_at = breaker_ready_at(&l.first, now);
	return true;
}

static bool learn_of_relay(struct tx *tx, struct str name, bool down, struct str answer, int64_t now, struct arena *a, struct learned *out, struct err *err) {
	struct pace p;
	if (!pace_load(tx_view(tx), name, a, &p, err))
		return false;
	bool was_open = breaker_is_open(&p);
	if (down)
		breaker_fail(&p, answer, now);
	else if (!breaker_mend(&p))
		return true;
	bool open = breaker_is_open(&p);
	out->what = open != was_open ? (open ? LEARNED_DOWN : LEARNED_UP) : down && !open ? LEARNED_FAILED : out->what;
	out->until = p.open_at;
	return pace_save(tx, &p, err);
}

static bool learn_of_domain(struct tx *tx, struct str name, bool busy, struct str answer, int64_t now, struct arena *a, struct learned *out, struct err *err) {
	struct pace p;
	if (!pace_load(tx_view(tx), name, a, &p, err))
		return false;
	if (!(busy ? throttle_slow(&p, answer, now) : throttle_ease(&p)))
		return true;
	if (busy)
		*out = (struct learned){LEARNED_SLOWED, p.open_at};
	else if (p.strikes == 0)
		out->what = LEARNED_EASED;
	return pace_save(tx, &p, err);
}

static bool try_anew(struct tx *tx, enum channel channel, enum way way, struct arena *a, struct err *err) {
	struct pace p;
	return pace_load(tx_view(tx), turns_relay(channel, way), a, &p, err) && (!breaker_try(&p) || pace_save(tx, &p, err));
}

bool turns_learn(struct tx *tx, enum channel channel, enum way way, enum lesson lesson, struct str to, struct str answer, int64_t now, struct learned *out, struct err *err) {
	*out = (struct learned){0};
	if (lesson == LESSON_NONE)
		return true;
	struct arena *a = arena_new();
	bool ok = lesson == LESSON_UNASKED ? try_anew(tx, channel, way, a, err) : learn_of_relay(tx, turns_relay(channel, way), lesson == LESSON_DOWN, answer, now, a, out, err);
	if (ok && channel == CHANNEL_MAIL && (lesson == LESSON_SENT || lesson == LESSON_BUSY))
		ok = learn_of_domain(tx, turns_domain(a, to), lesson == LESSON_BUSY, answer, now, a, out, err);
	arena_free(a);
	return ok;
}

bool turns_start(struct tx *tx, struct err *err) {
	struct arena *a = arena_new();
	bool ok = try_anew(tx, CHANNEL_MAIL, WAY_FIRST, a, err) && try_anew(tx, CHANNEL_MAIL, WAY_SECOND, a, err) && try_anew(tx, CHANNEL_SMS, WAY_FIRST, a, err);
	arena_free(a);
	return ok;
}

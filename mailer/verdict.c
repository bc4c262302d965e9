#include "mailer/verdict.h"

enum { CODE_DIGITS = 3 };

/* An enhanced code, without its class: 4.7.1 and 5.7.1 are both {7, 1}. */
struct detail {
	int64_t subject, number;
	bool given;
};

const char *fault_name(enum fault fault) {
	static const char *const names[] = {"none", "relay", "site", "busy", "address", "mailbox", "size", "policy", "other"};
	BUG_IF((unsigned)fault >= sizeof names / sizeof *names);
	return names[fault];
}

int64_t verdict_code(struct str answer) {
	int64_t code;
	if (answer.len < CODE_DIGITS || (answer.len > CODE_DIGITS && answer.at[CODE_DIGITS] != ' ' && answer.at[CODE_DIGITS] != '-'))
		return 0;
	return str_to_int((struct str){answer.at, CODE_DIGITS}, &code) && code >= 200 && code <= 599 ? code : 0;
}

/* "550 5.1.1 No such user": class.subject.detail, of the same class as the code. */
static struct detail detail_of(struct str answer) {
	struct str rest = {answer.at + CODE_DIGITS + 1, answer.len > CODE_DIGITS ? answer.len - CODE_DIGITS - 1 : 0};
	struct str word = str_cut(&rest, ' ');
	struct str class = str_cut(&word, '.'), subject = str_cut(&word, '.');
	struct detail d = {0};
	d.given = class.len == 1 && class.at[0] == answer.at[0] && subject.len <= 3 && word.len <= 3 && str_to_int(subject, &d.subject) &&
	          str_to_int(word, &d.number) && d.subject >= 0 && d.number >= 0;
	return d;
}

/* X.1.x: addresses; X.1.7 and X.1.8 are about the sender's. */
static enum fault of_address(struct detail d) {
	return d.number == 7 || d.number == 8 ? FAULT_SITE : FAULT_ADDRESS;
}

static enum fault of_mailbox(struct detail d) {
	return d.number == 3 ? FAULT_SIZE : d.number == 4 ? FAULT_ADDRESS : FAULT_MAILBOX; /* 2.4: a mailing list that cannot be expanded */
}

/* X.3.x: the relay; X.4.x: the way beyond it, where X.4.4 means that the domain has no server. */
static enum fault of_system(struct detail d, int64_t code) {
	if (d.subject == 3)
		return d.number == 4 ? FAULT_SIZE : code < 500 ? FAULT_BUSY : FAULT_RELAY;
	return d.number == 4 && code >= 500 ? FAULT_ADDRESS : FAULT_BUSY;
}

/* X.7.x: X.7.8 and its neighbours are about our login (RFC 4954 section 6). */
static enum fault of_policy(struct detail d, int64_t code) {
	bool login = d.number == 8 || d.number == 9 || d.number == 11 || d.number == 14;
	return login ? FAULT_SITE : code < 500 ? FAULT_BUSY : FAULT_POLICY;
}

/* Without an enhanced code: what RFC 5321 section 4.2.2 lets the number mean at that stage. */
static enum fault of_code(enum stage stage, int64_t code) {
	if (code == 530 || code == 534 || code == 535 || code == 538)
		return FAULT_SITE;
	if (code == 421 || code == 450 || code == 451 || code == 454 || code == 455)
		return FAULT_BUSY;
	if (code == 452 || code == 552)
		return stage == STAGE_RECIPIENT ? FAULT_MAILBOX : code == 552 ? FAULT_SIZE : FAULT_BUSY;
	if (stage == STAGE_RECIPIENT)
		return code == 550 || code == 551 || code == 553 ? FAULT_ADDRESS : FAULT_OTHER;
	return code == 554 && stage == STAGE_CONTENT ? FAULT_POLICY : FAULT_OTHER;
}

static enum fault of_detail(struct detail d, int64_t code) {
	switch (d.subject) {
	case 1:
		return of_address(d);
	case 2:
		return of_mailbox(d);
	case 3:
	case 4:
		return of_system(d, code);
	case 5:
		return code < 500 ? FAULT_BUSY : FAULT_OTHER;
	case 6:
		return FAULT_POLICY;
	case 7:
		return of_policy(d, code);
	default:
		return FAULT_OTHER;
	}
}

enum fault verdict_fault(enum stage stage, struct str answer) {
	int64_t code = verdict_code(answer);
	if (code == 0)
		return FAULT_RELAY;
	if (code < 400)
		return stage == STAGE_CONTENT && code < 300 ? FAULT_NONE : FAULT_RELAY;
	struct detail d = detail_of(answer);
	enum fault fault = d.given && d.subject > 0 ? of_detail(d, code) : of_code(stage, code);
	bool ours = stage == STAGE_CONNECT || (stage == STAGE_SENDER && fault != FAULT_SIZE);
	/* Nothing was said of the recipient yet. */
	return ours && code >= 500 ? FAULT_SITE : ours ? FAULT_BUSY : fault;
}

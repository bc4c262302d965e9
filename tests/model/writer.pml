/* The writer and whoever waits for it, as a model for spin: every order in which the threads can run is gone through. The test beside this file runs it, and then again with
 * each of the faults put in (-DBREAK_...), which spin must find.
 *
 * Each part is named after the function that it stands for. What is done under one lock is one step, and so is a transaction, which no other thread sees; what is between is free.
 * Left out: timers and signals (the writer's own jobs, for which nobody waits), the orders of memory (`make tsan` looks at those), and that portal_close gives up after 30 s. A
 * deadline may come at any moment. Who sleeps sleeps for ever when nobody wakes him, although in truth the writer looks up after a minute.
 *
 * Shown: each job is answered once, also what waits when the writer closes; what is told to be good was committed, once, and what is told to have failed was not; a
 * connection is woken once each time that it waits; exchange, portal and writer are freed once, and not touched after that; nobody waits for ever, for all loops end, and where
 * nothing can go on every thread is at its end (spin: no invalid end state). */
#ifndef CONNECTIONS
#define CONNECTIONS 2 /* the first of them asks for two changes, one after the other */
#endif
#ifndef BACKUPS
#define BACKUPS 0
#endif
#define MAILER CONNECTIONS
#define JOBS (CONNECTIONS + 1)
#define QUEUE_LIMIT 2
#define TURNS 1

/* struct writer */
chan queue = [JOBS] of { byte };
bool w_closing, w_asleep, w_woken, w_over, w_freed, w_closed_called;
byte w_between, w_waiting; /* who, counted from 1; threads in writer_between */
bool b_done[BACKUPS + 1], b_over[BACKUPS + 1];

/* each job, for what it asked last */
bool unanswered[JOBS], job_ok[JOBS];
byte pending[JOBS], durable[JOBS]; /* written in the open transaction, and in committed ones */
bool mailer_asked, mailer_done, mailer_over;

/* struct portal, struct exchange, struct waiter */
byte p_jobs, p_suspended;
bool p_closing, p_stopping, p_freed, patrol_closing, patrol_over;
byte holders[CONNECTIONS];
bool x_freed[CONNECTIONS], listed[CONNECTIONS], settled[CONNECTIONS], sleeping[CONNECTIONS], connection_over[CONNECTIONS];
bool unwoken[CONNECTIONS]; /* it waits, and nobody has woken it for that */

#define touch_writer assert(!w_freed)
#define touch_portal assert(!p_freed)
#define touch_exchange(x) assert(!x_freed[x])
/* What belongs to whoever submitted it: the mailer's is on its stack until it is done. */
#define touch_job(j) assert((j == MAILER && !mailer_over) || (j < CONNECTIONS && !x_freed[j % CONNECTIONS]))
#define signal_writer w_woken = w_woken || w_asleep

/* --- otp-portal/exchange.c, otp-portal/patrol.c --- */

inline wake(x) {
#ifdef BREAK_SUSPENDED
	p_suspended--;
#endif
	d_step { touch_exchange(x); assert(unwoken[x]); unwoken[x] = false; sleeping[x] = false } /* MHD_resume_connection */
#ifndef BREAK_SUSPENDED
	d_step { touch_portal; p_suspended-- }
#endif
}

inline exchange_drop(x) {
	d_step {
		touch_exchange(x); touch_portal; assert(holders[x] > 0);
		holders[x]--;
		x_freed[x] = (holders[x] == 0)
	}
}

/* An answer that may not come before a certain time (hold_ms) stays listed, and the patrol wakes it then. */
inline settle(x) {
	atomic {
		touch_portal; touch_exchange(x); assert(unanswered[x]);
		unanswered[x] = false;
		now = false;
		if /* patrol_settle */
		:: listed[x] ->
			settled[x] = true;
			if
			:: now = true; listed[x] = false
			:: true
			fi
		:: else
#ifdef BREAK_WAKE
			-> now = true
#endif
		fi
	}
	if
	:: now -> now = false; wake(x)
	:: else
	fi
	exchange_drop(x);
	d_step { touch_portal; p_jobs-- }
}

/* walk, take_late_waiters: some of those that are listed are due, and are woken without the lock. */
proctype patrol() {
	bool late[CONNECTIONS];
	byte i;
	do
	:: atomic {
		listed[0] || listed[CONNECTIONS - 1] ->
		for (i : 0 .. CONNECTIONS - 1) {
			if
			:: listed[i] -> listed[i] = false; late[i] = true
			:: true
			fi
		}
	   }
	   for (i : 0 .. CONNECTIONS - 1) {
		if
		:: late[i] -> late[i] = false; wake(i)
		:: else
		fi
	   }
	:: atomic { patrol_closing && !listed[0] && !listed[CONNECTIONS - 1] -> break }
	od
	patrol_over = true
}

/* --- engine/workflow/writer.c: what others call --- */

inline writer_submit(j) {
	atomic {
		touch_writer;
		accepted = !w_closing && len(queue) < QUEUE_LIMIT;
		if
		:: accepted -> queue ! j; signal_writer
		:: else
		fi
	}
}

/* handle, exchange_wait, exchange_go_on, completed: one connection in its thread of the library. */
proctype connection(byte x) {
	bool now, accepted;
	byte rounds = (x == 0 && BACKUPS == 0 -> 2 : 1);
	holders[x] = 1; /* exchange_new */
	do
	:: rounds > 0 && !p_stopping ->
		rounds--;
		p_jobs++;
#ifndef BREAK_HOLD
		if
		:: p_closing -> d_step { touch_portal; p_jobs-- }; break /* answer_closing */
		:: else
		fi;
#endif
		d_step {
			touch_exchange(x); touch_portal;
			unanswered[x] = true; durable[x] = 0;
#ifndef BREAK_HOLDER
			holders[x]++;
#endif
			p_suspended++;
#ifndef BREAK_SUSPEND
			sleeping[x] = true /* MHD_suspend_connection */
#endif
		}
		d_step { touch_portal; listed[x] = true; settled[x] = false; unwoken[x] = true } /* patrol_wait */
		accepted = false;
#ifdef BREAK_HOLD
		if
		:: p_closing
		:: !p_closing -> writer_submit(x)
		fi;
#else
		writer_submit(x);
#endif
		if
		:: accepted -> accepted = false
		:: else -> settle(x)
		fi;
#ifdef BREAK_SUSPEND
		sleeping[x] = true;
#endif
		if
		:: !sleeping[x]
		:: p_stopping -> assert(!sleeping[x]) /* the library ends the program */
		fi;
		/* exchange_go_on */
		if
		:: settled[x] -> assert(!unanswered[x] && !unwoken[x])
		:: else -> assert(!unwoken[x]); break /* too late: the page says so, and asks for nothing more */
		fi
	:: else -> break
	od;
	exchange_drop(x);
	connection_over[x] = true
}

/* writer_run, waited_done */
proctype mailer() {
	bool accepted;
	d_step { unanswered[MAILER] = true; durable[MAILER] = 0 }
	writer_submit(MAILER);
	mailer_asked = true;
	if
	:: accepted -> mailer_done
	:: else -> unanswered[MAILER] = false
	fi
	mailer_over = true
}

/* writer_between: the first step comes before writer_close is called, that is its caller's duty. */
proctype backup(byte b) {
	bool mine = false;
	atomic {
		if
		:: w_closed_called -> goto over
		:: else
		fi
		touch_writer;
		if
		:: !w_closing && w_between == 0 -> mine = true; w_between = b + 1
		:: else
		fi
		w_waiting++;
		signal_writer
	}
	atomic { (!mine || b_done[b]) -> touch_writer; w_waiting-- }
over:
	b_over[b] = true
}

/* --- engine/workflow/writer.c: its thread --- */

/* run_job: it writes and is good; it refuses before it wrote; or it fails after it wrote, and the transaction with it. */
inline run_job(j, kept) {
	touch_job(j);
	kept = true;
	if
	:: pending[j]++; job_ok[j] = true
	:: job_ok[j] = false
	:: kept = false; job_ok[j] = false
	fi
}

/* store_commit and store_rollback. A failed commit has kept nothing. */
inline end_transaction(committed) {
	for (k : 0 .. JOBS - 1) {
		durable[k] = durable[k] + (committed -> pending[k] : 0);
		pending[k] = 0
	}
	k = 0
}

inline run_alone(j) {
	if
	:: job_ok[j] = false /* store_begin fails */
	:: run_job(j, kept);
	   if
	   :: !kept -> end_transaction(false)
	   :: kept -> end_transaction(true)
	   :: kept -> end_transaction(false)
#ifndef BREAK_COMMIT
		; job_ok[j] = false
#endif
	   fi
	fi
}

/* What is in a transaction is seen by no other thread, so it is one step. */
inline run_together() {
	atomic {
		run_job(batch[0], kept);
		if
		:: kept -> run_job(batch[1], kept)
		:: else
		fi
		if
		:: !kept -> end_transaction(false)
		:: kept -> together = true; end_transaction(true)
		:: kept -> end_transaction(false)
		fi
		kept = false
	}
}

/* Without its finish */
inline run_single(j) {
	atomic {
		run_alone(j);
		if
		:: !job_ok[j] -> run_alone(j) /* it failed for good: engine_alone */
		:: true
		fi
		kept = false
	}
}

inline finish(j) {
	d_step {
		touch_writer;
		assert(job_ok[j] -> durable[j] == 1 : durable[j] == 0);
		job_ok[j] = false; durable[j] = 0
	}
	if
	:: j == MAILER -> d_step { assert(unanswered[j]); unanswered[j] = false; mailer_done = true }
	:: else -> settle(j)
	fi
}

/* take_turn: what somebody does between the batches ends, fails, or wants another turn. */
inline take_turn() {
	turning = false;
	atomic { touch_writer; turn_of = w_between; turn_closing = w_closing }
	if
	:: turn_of == 0
	:: turn_of > 0 && !turn_closing && turns < TURNS -> turning = true; turns++
	:: turn_of > 0 -> atomic { touch_writer; b_done[turn_of - 1] = true; w_between = 0; turns = 0 } /* end_between */
	fi
	turn_of = 0; turn_closing = false
}

proctype writer_main() {
	byte batch[2], n, i, k, turn_of, turns;
	bool closing, together, kept, turning, turn_closing, now;
	do
	:: atomic { /* next_batch, take_batch */
		touch_writer;
		n = 0;
		do
		:: n < 2 && len(queue) > 0 -> queue ? batch[n]; n++
		:: else -> break
		od
		closing = w_closing
	   }
	   if
#ifdef BREAK_CLOSING
	   :: closing -> take_turn(); break
#else
	   :: n == 0 && closing -> take_turn(); break
#endif
	   :: else
	   fi
	   together = false;
	   if
	   :: n == 2 -> /* run_together, or store_begin fails */
		run_together()
	   :: true
	   fi
	   i = 0;
	   do /* run_batch */
	   :: i < n ->
		touch_job(batch[i]); /* its next is read before it is done */
		if
		:: together
#ifndef BREAK_TOGETHER
		:: !together ->
#else
		:: true ->
#endif
			run_single(batch[i])
		fi
		finish(batch[i]);
#ifdef BREAK_NEXT
		touch_job(batch[i]);
#endif
		i++
	   :: else -> break
	   od;
	   atomic { skip; batch[0] = 0; batch[1] = 0; i = 0; n = 0; together = false }
	   take_turn();
	   if
	   :: turning || closing
	   :: else -> /* sleep_until_work */
#ifdef BREAK_SLEEP
		if
		:: len(queue) == 0 && !w_closing && w_between == 0 -> w_asleep = true
		:: else
		fi;
#else
		atomic {
			touch_writer;
			if
			:: len(queue) == 0 && !w_closing && w_between == 0 -> w_asleep = true
			:: else
			fi
		}
#endif
		atomic { (!w_asleep || w_woken) -> w_asleep = false; w_woken = false }
	   fi
	od
	w_over = true
}

/* --- the end of a server: portal_close, then the mailer's end, then writer_close --- */

proctype closing_down() {
	byte i;
	p_closing = true;
#ifndef BREAK_PORTAL
	/* wait_for_jobs looks at the one, then at the other. */
	do
	:: atomic { p_jobs == 0 -> skip }
	   if
	   :: p_suspended == 0 -> break
	   :: else
	   fi
	od
#endif
	p_stopping = true; /* MHD_stop_daemon */
	for (i : 0 .. CONNECTIONS - 1) {
		connection_over[i]
	}
	patrol_closing = true;
	patrol_over;
	p_freed = true;
	mailer_asked || mailer_over; /* its job may still wait */
	atomic { w_closed_called = true; touch_writer; w_closing = true; signal_writer } /* writer_close */
	w_over;
#ifndef BREAK_BETWEEN
	w_waiting == 0;
#endif
	w_freed = true;
	mailer_over;
#if BACKUPS > 0
	for (i : 0 .. BACKUPS - 1) {
		b_over[i]
	}
#endif
	/* Nothing is left behind. */
	assert(len(queue) == 0 && p_jobs == 0 && p_suspended == 0);
	for (i : 0 .. JOBS - 1) {
		assert(!unanswered[i])
	}
	for (i : 0 .. CONNECTIONS - 1) {
		assert(x_freed[i] && !unwoken[i])
	}
}

init {
	byte n;
	atomic {
		run writer_main();
		run patrol();
		if
		:: BACKUPS > 0 -> run mailer()
		:: else -> mailer_over = true
		fi;
		run closing_down();
		for (n : 0 .. CONNECTIONS - 1) {
			run connection(n)
		}
#if BACKUPS > 0
		for (n : 0 .. BACKUPS - 1) {
			run backup(n)
		}
#endif
	}
}

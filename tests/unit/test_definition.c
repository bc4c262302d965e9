#include "tests/unit/definition_case.h"

#include "engine/workflow/definition_check.h"
#include "engine/workflow/graph.h"
#include "engine/workflow/schema.h"

#include <jansson.h>

/* One change of the base package, and what must be told at the mark (and nothing else but it). */
static const struct wrong {
	const char *find, *replace, *text;
} wrongs[] = {
        /* keys */
        {"form: confirm, target", "form: confirm, ~traget", "unknown key 'traget' in event 'confirm'; did you mean 'target'?"},
        {"{in: 3d,", "{in: 3d, ~colour: red,", "unknown key 'colour' in the timer; expected one of in, every, at, times"},
        {"name: overdue,", "name: overdue, ~prio: 1,", "unknown key 'prio' in timer 'overdue'"},
        {"  gone: {final: true}", "  gone: {~finall: true}", "unknown key 'finall' in state 'gone'; did you mean 'final'?"},
        {"initial: unconfirmed\n", "~begin: unconfirmed\ninitial: unconfirmed\n", "unknown key 'begin' in the workflow"},
        {"form: ask, public", "~forms: ask, form: ask, public", "unknown key 'forms' in the start; did you mean 'form'?"},
        {"start: {by: borrower, form: ask, public: true}", "start: ~{by: borrower, public: true}", "key 'form' is missing in the start"},
        {"workflow: loan\n", "~", "key 'workflow' is missing in the workflow"},
        {"who: {type: text, max: 80}", "who: {type: text, ~scale: 0..3}", "key 'scale' in field 'who': it is not for the type 'text'"},
        {"marks: {type: matrix, register: things, scale: 0..3}", "marks: ~{type: matrix, register: things}", "key 'scale' is missing in field 'marks'"},
        {"{in: 3d, target: gone}", "~{target: gone}", "the timer needs exactly one of the keys 'in', 'every', 'at', but has none"},
        {"{in: 3d, target: gone}", "~{in: 3d, every: 1d, target: gone}", "but has several"},
        {"confirm: {fields: [ok], check: false}", "confirm: ~{check: false}", "form 'confirm' needs exactly one of the keys 'pages', 'fields', but has none"},
        {"mine: {kind: list, for: borrower,", "mine: {kind: list, ~when: ok, for: borrower,", "it is not for the kind 'list'"},
        /* kinds and scalars */
        {"mail: {type: email}", "mail: {type: ~emial}", "'type' of field 'mail': found 'emial', expected one of text, longtext, email"},
        {"mail: {type: email}", "mail: {type: ~emial}", "did you mean 'email'?"},
        {"mail: {type: email}", "mail: ~email", "field 'mail': found 'email', expected a map"},
        {"{in: 3d,", "{in: ~3 moons,", "'in' of the timer: found '3 moons', expected a duration such as 7d"},
        {"check: false", "check: ~no", "'check' of form 'confirm': found 'no', expected true or false"},
        {"time: \"09:00\"", "time: \"~9\"", "expected a time of day"},
        {"scale: 0..3", "scale: ~0-3", "found '0-3', expected a range such as 0..3"},
        {"times: 3", "times: ~three", "found 'three', expected a whole number"},
        {"workflow: loan", "workflow: ~Loan", "found 'Loan', expected a name"},
        {"  until: {type: date", "  ~un-til: {type: date", "the name 'un-til' of a field is not valid"},
        {"guard: verdict == 'yes'", "guard: ~[1]", "found a list, expected an expression (one that begins with [ or { needs quotes)"},
        {"by: [keeper]", "by: ~[]", "found 0 entries"},
        {"message: confirm, link: confirm}", "message: confirm, link: confirm, deadline: ~until}", "'deadline' is a date, expected a datetime, an instant, or a duration such as 7d"},
        {"target: asked}", "target: asked, opens: ~who}", "'opens' of event 'confirm' is a string, expected a date, datetime or instant"},
        {"target: asked}", "target: asked, opens: \"~size(children) > 0 ? until : until\"}", "'opens' of event 'confirm' cannot read 'children'"},
        {"target: asked}", "target: asked, opens: \"~late ? until : until\"}", "'opens' of event 'confirm' cannot read 'today'"},
        {"mine: {kind: list, for: borrower,", "mine: {kind: list, digits: ~3, login: true, for: borrower,", "found 3, expected from 4 to 8"},
        {"mine: {kind: list, for: borrower,", "mine: {kind: list, digits: ~4, for: borrower,", "expected 'login: true' beside it"},
        {"target: asked}", "target: asked, code: ~true}", "nothing says where codes for the role 'borrower' go"},
        {"closed: {target: gone}", "closed: {target: gone, ~code: true}", "a signal is not sent by people"},
        {"closed: {target: gone}", "closed: {target: gone, ~opens: today}", "a signal is not waited for by people"},
        {"target: asked}", "target: asked, also: ~confrm}", "unknown event 'confrm'; did you mean 'confirm'?"},
        {"target: asked}", "target: asked, also: ~confirm}", "'also' of event 'confirm' names the event itself"},
        {"target: asked}", "target: asked, also: [~other]}\n      other: {target: gone}", "'other' is a signal, expected an act of people"},
        {"target: asked}", "target: asked, also: [~other]}\n      other: {by: keeper, form: decide, target: gone}", "not everybody who may do it may do 'other'"},
        {"closed: {target: gone}", "closed: {target: gone, ~also: decide}", "a signal has no page that could offer another event"},
        {"by: [keeper]", "by: [keeper, ~keeper]", "'keeper' stands twice in this list"},
        {"  lent: {final: true, entry: [{send: {to: borrower, message: lent, link: one}}]}", "  ~lent:", "state 'lent': found nothing, expected a map"},
        {"options: ['yes', 'no']", "options: ['yes', '~n o']", "found 'n o', expected an option"},
        /* names */
        {"{contact: mail, name: who}", "{contact: ~mial, name: who}", "unknown field 'mial'; did you mean 'mail'?"},
        {"fields: [who, mail]", "fields: [who, ~maill]", "unknown field 'maill'; did you mean 'mail'?"},
        {"register: things, where", "register: ~thongs, where", "unknown register 'thongs'; did you mean 'things'?"},
        {"{to: keeper, message: please, link: decide}\n", "{to: ~keper, message: please, link: decide}\n", "unknown role 'keper'; did you mean 'keeper'?"},
        {"target: asked", "target: ~askd", "unknown state 'askd'; did you mean 'asked'?"},
        {"initial: unconfirmed", "initial: ~nowhere", "unknown state 'nowhere'; expected one of unconfirmed, asked, lent, gone"},
        {"form: decide\n", "form: ~decyde\n", "unknown form 'decyde'; did you mean 'decide'?"},
        /* mails and texts that start */
        {"start: {by: borrower, form: ask, public: true}", "start: {by: borrower, form: ask, ~mail: {by: keeper, text: note}}", "the contact of 'keeper' must be one field of type email"},
        {"start: {by: borrower, form: ask, public: true}", "start: {by: borrower, form: ask, ~sms: {text: note}}", "the contact of 'borrower' must be one field of type phone"},
        {"start: {by: borrower, form: ask, public: true}", "start: {by: borrower, form: ask, mail: {text: ~who}}", "'who' must be one field of type longtext"},
        {"start: {by: borrower, form: ask, public: true}", "start: {by: borrower, form: ask, mail: {text: note, subject: ~until}}", "'until' must be one field of type text"},
        {"start: {by: borrower, form: ask, public: true}", "start: {by: borrower, form: ask, mail: {subject: who}}", "key 'text' is missing"},
        {"start: {by: borrower, form: ask, public: true}", "start: {by: borrower, form: ask, mail: {text: note, ~form: ask}}", "unknown key 'form'"},
        {"form: ask, public", "form: ask, from_link: [~mail], public", "'mail' is the contact of 'borrower', who types it"},
        {"form: ask, public", "form: ask, from_link: [who, ~whoo], public", "unknown field 'whoo'; did you mean 'who'?"},
        {"form: ask, public", "form: ask, from_link: [~verdict], public", "the start form does not ask for 'verdict'"},
        {"form: ask, public: true", "form: ask, from_link: [~who]", "it needs public: true"},
        {"form: ask, public: true", "form: ask, ~role: keeper, public: true", "key 'role' of a start: only with 'login'"},
        {"form: ask, public: true", "form: ask, login: [~profile], public: true", "'login' and 'public: true' of a start exclude each other"},
        {"form: ask, public: true", "form: ask, login: [~profile]", "the start form must not ask for 'mail'"},
        {"form: ask, public: true", "form: ask, public: true, from: {workflow: ~profile}", "'from' and 'public: true' of a start exclude each other"},
        {"form: ask, public: true", "form: ask, login: [profile], ~from: {workflow: profile}", "'from' and 'login' of a start exclude each other"},
        {"form: ask, public: true", "form: ask, from: {workflow: profile, take: [~mail]}", "is the contact of"},
        {"form: ask, public: true", "form: ask, from: {workflow: profile, take: [~who]}", "the start form asks for 'who'; let it show the field instead"},
        {"form: ask, public: true", "form: ask, from: {workflow: profile, take: [~nothing]}", "unknown field 'nothing'"},
        {"by: borrower, form: ask, public: true", "by: keeper, form: ask, login: [~profile]", "the contact of 'keeper' must be one address of type email"},
        {"search: [who],", "search: [who], filters: [state, ~who],", "'filters' of view 'mine': 'who' is of type text, expected state or a field of type choice, ref or bool"},
        {"search: [who],", "search: [who], filters: [~statte],", "unknown field 'statte'"},
        {"search: [who],", "search: [who], overdue: ~today < until,", "'overdue' of view 'mine' must stay true once time has made it true"},
        {"search: [who],", "search: [who], overdue: ~size(children) > 0 && late,", "'overdue' of view 'mine' must not read 'children'"},
        {"fields: [thing, note]}", "fields: [thing, note], head: [~thin]}", "unknown field 'thin'; did you mean 'thing'?"},
        {"page: one", "page: one, ~head: [thing]", "key 'head' in view 'mine': it is not for the kind 'list'"},
        {"fields: [thing, note]}", "fields: [thing, note], ~filters: [state]}", "key 'filters' in view 'one': it is not for the kind 'page'"},
        {"columns: [state,", "columns: [~stat,", "unknown column 'stat'; did you mean 'state'?"},
        {"columns: [state,", "columns: [state, {delivery: ~keper},", "unknown role 'keper'; did you mean 'keeper'?"},
        {"columns: [state,", "columns: [state, {~deliver: keeper},", "unknown key 'deliver'"},
        {"fields: [thing, note]}", "fields: [thing, note], resend: {by: [borrower, ~keper], to: keeper}}", "unknown role 'keper'; did you mean 'keeper'?"},
        {"fields: [thing, note]}", "fields: [thing, note], resend: {by: borrower, to: ~keper}}", "unknown role 'keper'; did you mean 'keeper'?"},
        {"for: [borrower, keeper], fields: [thing, note]}", "for: borrower, fields: [thing, note], resend: {by: [borrower, ~keeper], to: keeper}}", "it is not for the role 'keeper'"},
        {"page: one", "page: ~won", "unknown view 'won'"},
        /* catalogues */
        {"initial: unconfirmed", "catalogues: {all: {register: ~thongs, columns: [shelf]}}\ninitial: unconfirmed", "unknown register 'thongs'; did you mean 'things'?"},
        {"initial: unconfirmed", "catalogues: {all: {register: things, columns: [~shelv]}}\ninitial: unconfirmed", "unknown column 'shelv'; did you mean 'shelf'?"},
        {"initial: unconfirmed", "catalogues: {all: ~{register: things}}\ninitial: unconfirmed", "key 'columns' is missing"},
        {"initial: unconfirmed", "catalogues: {all: {register: things, columns: [shelf], filters: [~worth]}}\ninitial: unconfirmed", "'worth' is a number, expected a column of type text, bool or date"},
        {"initial: unconfirmed", "catalogues: {all: {register: things, columns: [shelf], available: row.~shelf}}\ninitial: unconfirmed", "bool is expected, this is string"},
        {"initial: unconfirmed", "catalogues: {all: {register: things, columns: [shelf], available: ~rows == 1}}\ninitial: unconfirmed", "unknown name 'rows'"},
        {"initial: unconfirmed", "catalogues: {all: {register: things, columns: [shelf], map: {lat: ~shelf, lon: worth, label: name, outline: x.txt}}}\ninitial: unconfirmed", "'lat' of the map: expected a column of type decimal"},
        {"initial: unconfirmed", "catalogues: {all: {register: things, columns: [shelf], map: ~{lat: shelf, lon: worth, label: name}}}\ninitial: unconfirmed", "key 'outline' is missing"},
        {"initial: unconfirmed", "catalogues: {all: {register: things, columns: [shelf], map: {lat: shelf, lon: worth, label: name, outline: ~../x.txt}}}\ninitial: unconfirmed", "must be a file beside workflow.yaml"},
        {"initial: unconfirmed", "catalogues: {all: {register: things, columns: [shelf], map: {lat: shelf, lon: worth, label: name, outline: ~x.txt}}}\ninitial: unconfirmed", "x.txt"},
        {"fields: [verdict], show", "fields: [{field: verdict, catalogue: ~al}], show", "unknown catalogue 'al'"},
        {"  decide: {fields: [verdict], show: [thing]}\n", "  decide: {fields: [{field: verdict, catalogue: ~all}]}\ncatalogues: {all: {register: things, columns: [shelf]}}\n", "the field 'verdict' is of type choice, expected a ref"},
        {"  decide: {fields: [verdict], show: [thing]}\n", "  decide: {fields: [verdict, ~{field: thing, catalogue: all}]}\ncatalogues: {all: {register: things, columns: [shelf]}}\n", "stands on a page of its own"},
        {"  one: {kind: page,", "  rows: {kind: rows, for: borrower, catalogue: ~all}\n  one: {kind: page,", "unknown catalogue 'all'"},
        {"  one: {kind: page,", "  rows: ~{kind: rows, for: borrower}\n  one: {kind: page,", "key 'catalogue' is missing"},
        {"  one: {kind: page,", "  one: {~public: true, kind: page,", "it is not for the kind 'page'"},
        {"form: decide\n", "form: decide\n        ~repeat: true\n", "the form 'decide' is no ranked list"},
        {"let:\n  late: today > until\nforms:\n", "  wishes: {type: ref, register: things, many: 1..9}\nlet:\n  late: today > until\ncatalogues: {all: {register: things, columns: [shelf]}}\n"
         "forms:\n  ~wish: {pages: [{name: a, fields: [{field: wishes, catalogue: all}]}, {name: b, fields: [who]}]}\n", "a ranked list, which is all that its form asks for"},
        {"form: decide\n", "form: decide\n        ~repeat: true\n", "the form 'decide' is no ranked list"},
        {"label: name", "label: ~nam", "unknown column 'nam'; did you mean 'name'?"},
        {"  note: {type: longtext}", "  ~state: {type: longtext}\n  note: {type: longtext}", "a field cannot be named 'state'"},
        {"  late: today", "  ~ok: today", "'ok' is both a field and a named expression"},
        /* contradictions */
        {"  note: {type: longtext}\n", "  note: {type: longtext}\n  mails: {type: email, many: ~1..1001}\n", "goes from 1 at least to 1000 at most"},
        {"  note: {type: longtext}\n", "  note: {type: longtext}\n  wishes: {type: ref, register: things, many: ~1..10001}\n", "goes from 1 at least to 10000 at most"},
        {"contact: mail, name: who", "contact: ~who, name: who", "'contact' of role 'borrower': 'who' is a field of type text, expected email or phone"},
        {"contact: mail, name: who", "contact: mail, name: ~mail", "'name' of role 'borrower': 'mail' must be one field of type text"},
        {"weights: [1, 2, 3]", "weights: ~[1, 2]", "field 'number' has 3 digits, but 2 weights"},
        {", modulo: 11", "", "'weights' and 'modulo' of field 'number' need each other"},
        {"length: 3,", "length: ~0,", "expected from 1 to 40"},
        {"max: 80", "max: ~0", "a text has from 0 to 1000 characters"},
        {"max: 80", "min: ~9, max: 8", "'min' of field 'who' is more than its 'max' (8)"},
        {"max: 80", "max: ~many", "found 'many', expected a whole number"},
        {"many: 1..3", "many: ~0..3", "'many' of field 'keeper_mails' goes from 1 at least"},
        {"many: 1..3", "many: ~3..1", "expected a range"},
        {"scale: 0..3", "scale: ~0..300", "at most 101 steps"},
        {"  note: {type: longtext}\n", "  note: {type: longtext}\n  people: ~{type: group, many: 1..3}\n", "key 'fields' is missing in field 'people'"},
        {"  note: {type: longtext}\n", "  note: {type: longtext}\n  people: ~{type: group, fields: {name: {type: text}}}\n", "key 'many' is missing in field 'people'"},
        {"  note: {type: longtext}\n", "  note: {type: longtext}\n  people: {type: group, many: 1..3, fields: ~{}}\n", "found 0 entries, expected from 1 to 1000"},
        {"  note: {type: longtext}\n", "  note: {type: longtext}\n  people: {type: group, many: 1..3, fields: ~[name]}\n", "'fields' of field 'people': found a list, expected a map"},
        {"  note: {type: longtext}\n", "  note: {type: longtext}\n  people: {type: group, many: ~0..3, fields: {name: {type: text}}}\n", "'many' of field 'people' goes from 1 at least"},
        {"  note: {type: longtext}\n", "  note: {type: longtext}\n  people: {type: group, many: 1..3, fields: {name: ~text}}\n", "expected a map"},
        {"  note: {type: longtext}\n", "  note: {type: longtext}\n  people: {type: group, many: 1..3, fields: {~first-name: {type: text}}}\n", "the name 'first-name' of a field of a group is not valid"},
        {"  note: {type: longtext}\n", "  note: {type: longtext}\n  people: {type: group, many: 1..3, fields: {~row: {type: text}}}\n", "a field cannot be named 'row'"},
        {"  note: {type: longtext}\n", "  note: {type: longtext}\n  people: {type: group, many: 1..3, fields: {~file: {type: text}}}\n", "cannot be named 'file'"},
        {"  note: {type: longtext}\n", "  note: {type: longtext}\n  people: {type: group, many: 1..3, fields: {name: {type: ~group}}}\n", "found 'group', expected one of text, longtext"},
        {"  note: {type: longtext}\n", "  note: {type: longtext}\n  people: {type: group, many: 1..3, fields: {name: {type: ~file}}}\n", "found 'file', expected one of text, longtext"},
        {"  note: {type: longtext}\n", "  note: {type: longtext}\n  people: {type: group, many: 1..3, fields: {name: {type: ~txt}}}\n", "did you mean 'text'?"},
        {"  note: {type: longtext}\n", "  note: {type: longtext}\n  people: {type: group, many: 1..3, fields: {name: {type: text, ~many: 1..2}}}\n", "unknown key 'many' in field of a group 'name'"},
        {"  note: {type: longtext}\n", "  note: {type: longtext}\n  people: {type: group, many: 1..3, fields: {name: {type: text, ~default: \"'x'\"}}}\n", "unknown key 'default' in field of a group 'name'"},
        {"  note: {type: longtext}\n", "  note: {type: longtext}\n  people: {type: group, many: 1..3, fields: {name: {type: text, optional: ~maybe}}}\n", "expected true or false"},
        {"  note: {type: longtext}\n", "  note: {type: longtext}\n  people: {type: group, many: 1..3, fields: {name: {type: text, ~options: [a]}}}\n", "it is not for the type 'text'"},
        {"  note: {type: longtext}\n", "  note: {type: longtext}\n  people: {type: group, many: 1..3, fields: {name: {type: text, max: ~0}}}\n", "a text has from 0 to 1000 characters"},
        {"  note: {type: longtext}\n", "  note: {type: longtext}\n  people: {type: group, many: 1..3, fields: {name: {type: ref, register: ~thongs}}}\n", "unknown register 'thongs'; did you mean 'things'?"},
        {"  note: {type: longtext}\n", "  note: {type: longtext}\n  people: {type: group, many: 1..3, fields: {day: {type: date, min: ~itm.end}, end: {type: date}}}\n", "unknown name 'itm'; did you mean 'item'?"},
        {"  note: {type: longtext}\n", "  note: {type: longtext}\n  people: {type: group, many: 1..3, fields: {day: {type: date, min: item.~start}, end: {type: date}}}\n", "row of people has no 'start'"},
        {"  note: {type: longtext}\n", "  note: {type: longtext}\n  people: {type: group, many: 1..3, fields: {day: {type: date, min: item.~end}, end: {type: text}}}\n", "date is expected, this is string"},
        {"  note: {type: longtext}\n", "  note: {type: longtext}\n  people: {type: group, many: 1..3, fields: {day: {type: date, valid: item.~day}}}\n", "bool is expected, this is date"},
        {"  note: {type: longtext}\n", "  note: {type: longtext}\n  people: {type: group, many: 1..3, fields: {day: {type: date}}, valid: ~item.day == today}\n", "unknown name 'item'"},
        {"  note: {type: longtext}\n", "  note: {type: longtext}\n  people: {type: group, many: 1..3, fields: {day: {type: date}}, valid: 'people[0].day ~== who'}\n", "'=='"},
        {"  note: {type: longtext}\n", "  note: {type: longtext}\n  people: {type: group, many: 1..3, fields: {day: {type: date}}, ~options: [a]}\n", "it is not for the type 'group'"},
        {"  note: {type: longtext}\n", "  note: {type: longtext}\n  people: {type: text, ~fields: {day: {type: date}}}\n", "it is not for the type 'text'"},
        {"  note: {type: longtext}\n", "  note: {type: longtext}\n  ~people: {type: group, many: 1..101, fields: {a: {type: text}, b: {type: text}}}\n", "the group 'people' has up to 101 items with 2 fields each"},
        {"contact: mail, name: who}\n", "contact: mail, name: ~people}\n", "unknown field 'people'"},
        {"note: {type: longtext}", "note: {type: longtext}\n  paper: {type: file, extensions: [pdf, ~exe]}", "expected one of pdf, jpg, png"},
        {"note: {type: longtext}", "note: {type: longtext}\n  paper: ~{type: file}", "key 'extensions' is missing"},
        {"note: {type: longtext}", "note: {type: longtext}\n  paper: {type: file, extensions: [pdf], max: ~26MB}", "expected a size such as 500kB or 10MB, at most 25MB"},
        {"note: {type: longtext}", "note: {type: longtext}\n  paper: {type: file, extensions: [pdf], many: ~1..21}", "at most 20 files"},
        {"[who, mail]", "[who, mail, ~who]", "'who' stands twice in this list"},
        {"fields: [thing, until,", "fields: [thing, ~who, until,", "form 'ask' asks for 'who' twice"},
        {"{name: you, fields", "~{fields", "key 'name' is missing: form 'ask' has several pages"},
        {"{name: it, fields", "{name: ~you, fields", "form 'ask' has two pages named 'you'"},
        {"{by: borrower, form: confirm, target", "{form: confirm, target", "event 'confirm' has 'form' but no 'by'"},
        {"closed: {target: gone}", "closed: {~expires: 3d, target: gone}", "a signal has no link"},
        {"{guard: verdict == 'yes', target: lent}\n          - {target: gone}", "{target: lent}\n          - ~{target: gone}", "the cases from here on can never count"},
        {"closed: {target: gone}", "closed: {target: gone, ~files: note}", "key 'files' in event 'closed': only an event with 'replied' gets files by mail"},
        {"closed: {target: gone}", "closed: {replied: keeper, target: gone, files: ~note}", "'files' of event 'closed': 'note' is no list of files; expected a field of type file with 'many'"},
        {"closed: {target: gone}", "closed: {replied: keeper, target: gone, files: ~notes}", "unknown field 'notes'; did you mean 'note'?"},
        {"        form: decide\n", "        form: decide\n        ~target: gone\n", "key 'target' in event 'decide': with 'cases' it belongs in one of them"},
        {"{in: 3d, target: gone}", "{in: 3d, ~times: 3, target: gone}", "only with 'every'"},
        {"{in: 3d, target: gone}", "~{in: 3d}", "timer 'after-1' does nothing"},
        {"name: overdue", "name: ~after-1", "state 'asked' has two timers named 'after-1'"},
        {"{in: 3d, target: gone}", "{in: 3d, target: gone, actions: [{start: {workflow: other, each: ~who, data: {a: item}}}]}", "'each' must be a list"},
        {"{in: 3d, target: gone}", "{in: 3d, target: gone, actions: [{start: {workflow: other, data: {a: ~item}}}]}", "'item'"},
        {"{in: 3d, target: gone}", "{in: 3d, target: gone, actions: [{plan: {children: x, order: [n], event: e, ~among: [a], slots: {first: \"datetime('2026-03-02T12:00')\", step: 10min, from: \"09:00\", until: \"21:00\"}, fields: {number: n}}}]}", "only with 'keep' does anybody stand among the others"},
        {"{in: 3d, target: gone}", "{in: 3d, target: gone, actions: [{plan: {children: x, order: [n], event: e, ~keep: true, pause: {from: today}, slots: {first: \"datetime('2026-03-02T12:00')\", step: 10min, from: \"09:00\", until: \"21:00\"}, fields: {number: n}}}]}", "after a pause nobody gets a first slot"},
        {"{in: 3d, target: gone}", "{in: 3d, target: gone, actions: [{plan: {children: x, order: [n], event: e, pause: {from: ~1}, slots: {first: \"datetime('2026-03-02T12:00')\", step: 10min, from: \"09:00\", until: \"21:00\"}, fields: {number: n}}}]}", "'from' of the pause is a int, expected a date, datetime or instant"},
        {"{in: 3d, target: gone}", "{in: 3d, target: gone, actions: [{plan: {children: x, order: ~[a, b, c, d, e, f], event: e, slots: {first: \"datetime('2026-03-02T12:00')\", step: 10min, from: \"09:00\", until: \"21:00\"}, fields: {number: n}}}]}", "'order' of the plan has 6 fields, expected at most 5"},
        {"{in: 3d, target: gone}", "{in: 3d, target: gone, actions: [{plan: {children: x, order: [n], event: e, slots: {first: \"datetime('2026-03-02T12:00')\", step: ~10, from: \"09:00\", until: \"21:00\"}, fields: {number: n}}}]}", "duration"},
        {"{in: 3d, target: gone}", "{in: 3d, target: gone, actions: [{plan: {children: x, order: [n], event: e, slots: {first: \"datetime('2026-03-02T12:00')\", step: 10min, from: ~9, until: \"21:00\"}, fields: {number: n}}}]}", "string"},
        {"views:", "common: [{in: [asked, ~gon], on: {x: {target: gone}}}]\nviews:", "unknown state 'gon'; did you mean 'gone'?"},
        {"views:", "common: [{in: ~gone, on: {x: {target: gone}}}]\nviews:", "state 'gone' is final"},
        {"views:", "common: [{in: asked, on: {~closed: {target: gone}}}]\nviews:", "state 'asked' has two events named 'closed'"},
        {"gone: {final: true}", "gone: {final: true, ~on: {x: {target: asked}}}", "key 'on' in state 'gone': a final state is never left"},
        {"fields: [thing, note]}", "fields: [thing, note], acts: [~confrm]}", "unknown act of people 'confrm'; did you mean 'confirm'?"},
        {"fields: [thing, note]}", "fields: [thing, note], acts: [~closed]}", "unknown act of people 'closed'"},
        {"fields: [thing, note]}", "fields: [thing, note]}\n  two: {kind: page, for: keeper, fields: [note], acts: [~confirm]}", "nobody who sees it may do 'confirm'"},
        {"page: one", "page: one, ~acts: [confirm]", "key 'acts' in view 'mine': it is not for the kind 'list'"},
        {"page: one", "page: ~mine", "'mine' is a list, expected a view of kind page"},
        {"for: [borrower, keeper]", "for: [keeper]", "'one' is not for the role 'borrower'"},
        {"key: id", "key: ~worth", "the key column 'worth' of register 'things' must be of type text"},
        {"sample: things.csv", "valid: {from: ~name}", "column 'name' of register 'things' must be of type date"},
        {"sample: things.csv", "valid: {until: ~nmae}", "unknown column 'nmae'; did you mean 'name'?"},
        {"sample: things.csv", "from: other, ~sample: things.csv", "its rows belong to the workflow 'other'"},
        {"sample: things.csv", "from: ~loan", "'from' of register 'things' names this workflow"},
        {"sample: things.csv", "sample: ~../things.csv", "without a folder"},
        /* rules */
        {"let:", "rules: {cheap: {row: ~thongs, is: row.worth < 5}}\nlet:", "unknown register 'thongs'; did you mean 'things'?"},
        {"let:", "rules: {cheap: {row: things, is: row.~worth}}\nlet:", "bool is expected, this is int"},
        {"let:", "rules: {~size: {row: things, is: row.worth < 5}}\nlet:", "a rule cannot be named 'size': there is a function of that name"},
        {"let:", "rules: {~who: {row: things, is: row.worth < 5}}\nlet:", "'who' is both a field and a rule"},
        {"let:", "rules: {cheap: {row: things, is: row.worth < 5}}\nlet:\n  twice: ~cheap", "'cheap' is a rule about a row; it is asked as cheap(row)"},
        {"let:", "rules: {cheap: {row: things, is: row.worth < 5}}\nlet:\n  twice: cheap(~who)", "the rule 'cheap' is about a row of things, this is string"},
        {"let:", "rules: {cheap: {row: things, is: row.worth < 5}}\nlet:\n  twice: ~cheap(thing, thing)", "the rule 'cheap' is about one row"},
        {"let:", "rules: {cheap: {row: things, is: row.worth < 5}}\nlet:\n  ~cheap: 'true'", "'cheap' is both a rule and a named expression"},
        /* expressions */
        {"guard: verdict ==", "guard: ~vedict ==", "did you mean 'verdict'?"},
        {"at: until + 1d", "at: ~who", "'at' of timer 'overdue' is a string, expected a date, datetime or instant"},
};

static void test_wrongs(void **state) {
	(void)state;
	for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
		struct definition_case c;
		case_open(&c, wrongs[i].find, wrongs[i].replace);
		bool told = case_told(&c, false, wrongs[i].text);
		if (!told || c.definition) {
			print_message("%s\nexpected at %d:%d: %s\n", wrongs[i].replace, c.line, c.column, wrongs[i].text);
			case_print(&c);
			fail();
		}
		case_close(&c);
	}
}

static void test_common(void **state) {
	(void)state;
	struct definition_case c;
	case_open(&c, "views:", "common: [{in: [asked, unconfirmed], on: {x: {target: gone}}, after: [{in: 1 year, name: late, priority: 90, target: gone}]}]\nviews:");
	case_print(&c);
	const struct definition *d = c.definition;
	assert_non_null(d);
	for (size_t i = 0; i < d->states.count; i++) {
		const struct state *s = &d->states.items[i];
		bool named = str_is(s->name, "asked") || str_is(s->name, "unconfirmed");
		assert_int_equal(state_event(s, STR("x")) != NULL, named);
		assert_int_equal(state_timer(s, STR("late")) != NULL, named);
	}
	assert_non_null(state_event(definition_state(d, STR("asked")), STR("closed")));
	case_close(&c);
}

static void test_good(void **state) {
	(void)state;
	struct definition_case c;
	case_open(&c, NULL, NULL);
	case_print(&c);
	const struct definition *d = c.definition;
	assert_non_null(d);
	assert_int_equal(d->states.count, 4);
	assert_int_equal(d->transition_count, 7);
	assert_int_equal(d->guards.count, 1);
	assert_true(str_is(d->initial->name, "unconfirmed"));
	assert_true(str_is(d->registers.items[0].full_name, "loan.things"));
	const struct state *asked = definition_state(d, STR("asked"));
	assert_int_equal(asked->after.items[0].times, 3);
	assert_true(str_is(asked->after.items[0].name, "after-1"));
	assert_int_equal(asked->after.items[0].priority, 50);
	assert_int_equal(asked->after.items[1].time_of_day, 9 * 3600000);
	const struct event_rule *decide = state_event(asked, STR("decide"));
	assert_true(event_allows(decide, STR("keeper")));
	assert_false(event_allows(decide, STR("borrower")));
	assert_ptr_equal(decide->cases.items[0].target, definition_state(d, STR("lent")));
	assert_null(definition_state(d, STR("nowhere")));
	const struct field *mails = definition_field(d, STR("keeper_mails"));
	assert_int_equal(mails->type.kind, KIND_LIST);
	assert_int_equal(mails->type.item->kind, KIND_STRING);
	assert_true(mails->many && mails->many_max == 3);
	assert_int_equal(d->start.expires.days, 1);
	assert_true(definition_field(d, STR("note"))->max > 3999);
	case_close(&c);
}

static void load_hash(const char *find, const char *replace, unsigned char hash[SECRET_HASH]) {
	struct definition_case c;
	case_open(&c, find, replace);
	if (!c.definition)
		case_print(&c);
	assert_non_null(c.definition);
	memcpy(hash, c.definition->hash, SECRET_HASH);
	case_close(&c);
}

static void test_hash(void **state) {
	(void)state;
	unsigned char base[SECRET_HASH], other[SECRET_HASH];
	struct definition_case c;
	load_hash(NULL, NULL, base);
	load_hash("workflow: loan", "# a comment\nworkflow:   \"loan\"  # another", other);
	assert_memory_equal(base, other, SECRET_HASH);
	load_hash("  keeper: {contact: keeper_mails}", "  keeper:\n    contact: 'keeper_mails'", other);
	assert_memory_equal(base, other, SECRET_HASH);
	load_hash("{in: 3d,", "{in: 4d,", other);
	assert_memory_not_equal(base, other, SECRET_HASH);
	load_hash("worth: int", "worth: decimal", other);
	assert_memory_not_equal(base, other, SECRET_HASH);
	case_open(&c, "guard: verdict == 'yes'", "guard: \"verdict == '\\\\u00e6\\\"' || note == '''\\\\n'''\"");
	assert_non_null(c.definition);
	struct definition *again = definition_parse(c.definition->source, &c.problems);
	assert_non_null(again);
	assert_memory_equal(again->hash, c.definition->hash, SECRET_HASH);
	assert_true(str_equal(again->source, c.definition->source));
	assert_int_equal(again->folder.len, 0);
	assert_true(str_equal(expression_source(again->guards.items[0]), expression_source(c.definition->guards.items[0])));
	definition_free(again);
	case_close(&c);
}

/* null clears, 'null' does not; the difference must survive the store. */
static void test_null(void **state) {
	(void)state;
	struct definition_case c;
	case_open(&c, "closed: {target: gone}", "closed: {target: gone, actions: [{set: {note: null, who: \"'null'\"}}]}");
	assert_non_null(c.definition);
	struct definition *again = definition_parse(c.definition->source, &c.problems);
	assert_non_null(again);
	const struct action *set = &definition_event(again, STR("closed"))->cases.items[0].actions.items[0];
	assert_null(set->data.items[0].value);
	assert_non_null(set->data.items[1].value);
	definition_free(again);
	case_close(&c);
}

static void test_unreadable(void **state) {
	(void)state;
	struct problems problems = {.arena = arena_new()};
	assert_null(definition_load("/nowhere/at/all", &problems));
	assert_int_equal(problems.errors, 1);
	assert_string_equal(problems.items[0].place.file, "/nowhere/at/all/workflow.yaml");
	assert_null(definition_parse(STR("{\"workflow\": 3}"), &problems));
	assert_null(definition_parse(STR("[1, 2"), &problems));
	assert_null(definition_parse(STR("{\"workflow\": 3, \"registers\": null}"), &problems));
	arena_free(problems.arena);
	struct definition_case c;
	case_open(&c, "roles:\n", "roles:\n  ~who: 1\n  who: 2\n");
	assert_null(c.definition);
	assert_int_equal(c.problems.errors, 1);
	case_close(&c);
}

static void test_graph(void **state) {
	(void)state;
	struct definition_case c;
	struct buf out;
	case_open(&c, NULL, NULL);
	buf_init(&out, 1 << 20);
	struct history_step steps[] = {{STR(""), STR("unconfirmed")}, {STR("unconfirmed"), STR("asked")}};
	struct history_path path = {steps, 2, 2};
	graph_mermaid(c.definition, &path, &out);
	assert_non_null(strstr(out.at, "    [*] --> s0\n"));
	assert_non_null(strstr(out.at, "    s0 --> s1: confirm by borrower\n"));
	assert_non_null(strstr(out.at, "    s1 --> s2: decide by keeper #91;verdict #61;#61; #39;yes#39;#93;\n"));
	assert_non_null(strstr(out.at, "    class s1 visited\n"));
	assert_null(strstr(out.at, "class s2 visited"));
	buf_clear(&out);
	graph_dot(c.definition, &path, &out);
	assert_non_null(strstr(out.at, "\"unconfirmed\" -> \"asked\" [label=\"confirm by borrower\", color=\"#1b6b34\", penwidth=2];"));
	assert_non_null(strstr(out.at, "\"unconfirmed\" -> \"gone\" [label=\"after 3 days\"];"));
	assert_non_null(strstr(out.at, "\"asked\" -> \"asked\" [label=\"every 7 days\", style=dashed];"));
	buf_free(&out);
	case_close(&c);
}

/* The schema is JSON, and its references lead somewhere. */
static void test_schema(void **state) {
	(void)state;
	struct buf out;
	buf_init(&out, 1 << 20);
	schema_write(&out);
	assert_false(out.overflow);
	json_error_t error;
	json_t *root = json_loadb(out.at, out.len, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		fail_msg("%s at %d", error.text, error.line);
	const json_t *parts = json_object_get(root, "$defs");
	static const char prefix[] = "#/$defs/";
	for (const char *at = strstr(out.at, prefix); at; at = strstr(at + 1, prefix)) {
		char name[80];
		snprintf(name, sizeof name, "%.*s", (int)strcspn(at + strlen(prefix), "\""), at + strlen(prefix));
		if (!json_object_get(parts, name))
			fail_msg("no part '%s'", name);
	}
	assert_non_null(json_object_get(json_object_get(json_object_get(parts, "timer"), "properties"), "priority"));
	/* The one that editors use is this one. */
	FILE *file = fopen("docs/workflow.schema.json", "r");
	assert_non_null(file);
	char *kept = calloc(1, out.len + 2);
	assert_non_null(kept);
	assert_int_equal(fread(kept, 1, out.len + 1, file), out.len);
	assert_int_equal(fclose(file), 0);
	assert_string_equal(kept, out.at);
	free(kept);
	json_decref(root);
	buf_free(&out);
}

int main(void) {
	struct err err;
	if (!secret_init(&err))
		return 1;
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_common), cmocka_unit_test(test_good),       cmocka_unit_test(test_wrongs), cmocka_unit_test(test_hash),   cmocka_unit_test(test_null),
	        cmocka_unit_test(test_unreadable), cmocka_unit_test(test_graph),  cmocka_unit_test(test_schema),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

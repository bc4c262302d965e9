// The two stories that every kind of person must be able to play: a declaration and a leave application, from the front page to the overview.
// Each function tells one part, done by a hand (hands.mjs); what the next part must know is handed on in `told`.
import { day } from './lib.mjs';

const link = async (demo, to, part) => (await demo.next(to, part)).links[0];
const person = (demo) => `p${(demo.people = (demo.people ?? 0) + 1)}`;

export async function askForDeclaration(demo, hand) {
	const who = person(demo);
	const told = { apprentice: `ida.${who}@example.dk`, supervisor: `mester.${who}@example.dk`, second: `svend.${who}@example.dk`, school: `skole.${who}@example.dk` };
	await hand.start('declaration', {
		apprentice_name: 'Ida Ærlig', apprentice_email: told.apprentice, training_form: 'company', education: 'building', period_end: day(14), main_course: '3',
		school: 'nordby', class_name: 'H3-26', workplace: 'Snedkeriet på Havnen', cvr: '13585628', supervisor_emails: [told.supervisor, told.second], school_emails: [told.school],
	});
	return told;
}

export async function confirmDeclaration(demo, hand, told) {
	await hand.walk(await link(demo, told.apprentice), { confirmed: 'true' });
	told.task = await link(demo, told.supervisor);
	told.change = await link(demo, told.apprentice);
}

export const ASSESSMENT = {
	levels: '2', work_areas: 'Vinduer og døre\nTag på skuret', goals_reached: 'partly', goals_comment: 'Kan selv læse en tegning.', special_needs: 'some',
	special_needs_note: 'Mere tid ved maskinerne', focus: 'Samlinger', together: 'true', supervisor_name: 'Mester Madsen', correction: 'Niveauet var sat for lavt.',
};

export async function assessDeclaration(demo, hand, told) {
	await hand.walk(told.task, ASSESSMENT);
	told.shown = await link(demo, told.school);
	told.correct = await link(demo, told.supervisor);
	await hand.open(told.shown);
}

export async function correctDeclaration(demo, hand, told) {
	await hand.walk(told.correct, { ...ASSESSMENT, goals_reached: 'yes' });
}

export async function askForLeave(demo, hand, more = {}) {
	const who = person(demo);
	const told = { name: `Bo Ærlig ${who}`, employee: `bo.${who}@example.dk`, manager: 'mette.lund@firma.example.dk' };
	await hand.start('leave-request', {
		employee_name: told.name, employee_email: told.employee, employee_phone: '20 12 34 56', department: 'workshop', kind: 'other', note: 'Flytning til ny bolig',
		first_day: day(40), last_day: day(44), ...more,
	});
	return told;
}

export async function confirmLeave(demo, hand, told) {
	await hand.walk(await link(demo, told.employee), { confirmed: 'true' });
	told.task = await link(demo, told.manager, told.name);
	told.withdraw = await link(demo, told.employee);
}

export async function refuseLeave(demo, hand, told) {
	await hand.walk(told.task, { decision: 'refuse', reason: 'Vi er for få den uge' });
}

export async function approveLeave(demo, hand, told) {
	await hand.walk(told.task, { decision: 'approve' });
	told.shown = await link(demo, told.employee);
	await hand.open(told.shown);
}

/** Logs in by address and code, and looks at what there is. */
export async function logIn(demo, hand, address) {
	await hand.open(`${demo.url}/home/otplogin`);
	await hand.answer({ address });
	const mail = await demo.next(address, hand.language === 'en' ? 'code' : 'kode');
	await hand.answer({ code: /(?<!\d)\d{4,8}(?!\d)/.exec(mail.text)[0] });
}

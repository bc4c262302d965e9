// What every peer writes for one `assess`: as much as Stafet writes, told in each one's own way.
const DAY_MS = 24 * 3600 * 1000;

export const CONNECTIONS = 32;
export const draft = JSON.stringify({ levels: { f01: "3", f02: "2", f03: "2", f04: "1", f05: "0" }, work_areas: "Skabe og borde efter tegning", goals_reached: "partly",
	special_needs: "none", together: "true", supervisor_name: "Bo Holm" });
export const request = JSON.stringify({ apprentice_name: "Ida Holm", apprentice_email: "ida@example.dk", training_form: "company", education: "furniture",
	period_end: "2026-12-18", main_course: "2", school: "nordby", class_name: "B2", workplace: "Holms Snedkeri", cvr: "13585628",
	supervisor_emails: ["a@example.dk"], school_emails: ["c@example.dk"] });

export const timers = now => [["plan-reminder", now + 14 * DAY_MS], ["close", now + 180 * DAY_MS]];
// Due in an hour: nobody's sending is measured.
export const messages = (instance, now) => [["school", "c@example.dk", "completed"], ["apprentice", `ida${instance % 1000}@example.dk`, "completed-own"],
	["supervisor", "a@example.dk", "receipt"]].map(([role, to, message]) => ({ role, to, message, due: now + 3600 * 1000,
	data: JSON.stringify({ apprentice_name: "Ida Holm", education: "furniture", period_end: "2026-12-18", link: `https://stafet.example/l/${instance}` }) }));
// The data of the instance with the answers.
export const merged = (data, answers) => JSON.stringify({ ...JSON.parse(data), ...JSON.parse(answers), version: 1, declared_on: "2026-11-21" });

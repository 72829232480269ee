// The page of a preference study: one pair after the other, each answered by a side. The server knows which is next.

const at = (id) => document.getElementById(id);
const sides = { left: at("left"), right: at("right") };
const rater = new URLSearchParams(location.search).get("rater");
const token = new URLSearchParams(location.hash.slice(1)).get("token"); // stays in the address: it is the rater's link
const authorization = token ? { Authorization: `Bearer ${token}` } : {};
const RETRY_MS = 2000;

let state = null; // what the server says is next
let ready = false; // whether an answer is taken
let since = 0; // when the pair could be answered, ms
let shownMs = null; // how long a timed pair was seen, ms

const frame = () => new Promise(requestAnimationFrame);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function ask(path, body) {
  const how = body === undefined ? { headers: authorization } : {
    method: "POST", headers: { ...authorization, "Content-Type": "application/json" }, body: JSON.stringify(body),
  };
  const answer = await fetch(`api/${path}`, how);
  if (!answer.ok) {
    const { error } = await answer.json().catch(() => ({ error: answer.statusText }));
    throw Object.assign(new Error(error), { code: answer.status });
  }
  return answer.headers.get("Content-Type").startsWith("image/") ? answer.blob() : answer.json();
}

// Asks until there is an answer: a server that is started again, or a network that comes back, loses no vote.
async function askUntilAnswered(path, body) {
  for (;;) {
    try {
      const content = await ask(path, body);
      tell("");
      return content;
    } catch (error) {
      if (error.code && error.code < 500) throw error;
      tell("The server does not answer. Nothing is lost: this page goes on by itself once it does.");
      await pause(RETRY_MS);
    }
  }
}

function tell(words) {
  if (at("status").textContent !== words) at("status").textContent = words;
}

function only(id) {
  for (const section of document.querySelectorAll("section")) section.hidden = section.id !== id;
}

function allow(answers) {
  ready = answers;
  for (const button of Object.values(sides)) button.setAttribute("aria-disabled", String(!answers));
  if (answers) since = performance.now();
}

const its = `raters/${encodeURIComponent(rater)}`;

// A pair is never answered unseen: this ends when the picture is there.
async function load(image, path) {
  const before = image.src;
  image.src = URL.createObjectURL(await askUntilAnswered(path));
  if (before) URL.revokeObjectURL(before);
  await image.decode();
}

async function show() {
  if (state.done) return only("end");
  only("trial");
  allow(false);
  shownMs = null;
  const { trial, of, time_ms: time, map } = state;
  at("count").textContent = `Pair ${trial + 1} of ${of}`;
  Object.assign(document.querySelector("progress"), { max: of, value: trial });
  at("map").hidden = !map;
  at("row").classList.toggle("with-map", map);
  at("pair").classList.add("covered");
  at("reveal").hidden = true;
  const images = ["left", "right"].map((side) => load(sides[side].querySelector("img"), `${its}/${trial}/${side}`));
  if (map) images.push(load(at("map").querySelector("img"), `${its}/${trial}/map`));
  await Promise.all(images);
  tell("");
  if (time === null) {
    at("pair").classList.remove("covered");
    allow(true);
  } else {
    at("reveal").textContent = `Show these images (${time / 1000} s)`;
    at("reveal").hidden = false;
    at("reveal").focus();
  }
}

async function reveal() {
  const time = state.time_ms;
  at("reveal").hidden = true;
  at("pair").classList.remove("covered");
  const start = await frame();
  let now = start;
  let step = 1000 / 60;
  while (now - start < time - step / 2) {
    const next = await frame();
    step = next - now;
    now = next;
  }
  at("pair").classList.add("covered");
  shownMs = Math.round(now - start);
  allow(true);
  tell("Which was it? Choose A or B.");
}

async function choose(side) {
  if (!ready) return;
  const ms = Math.round(performance.now() - since);
  allow(false);
  try {
    state = await voted({ trial: state.trial, side, ms, shown_ms: shownMs });
    await show();
  } catch (error) {
    tell(error.message);
  }
}

async function voted(answer) {
  try {
    return await askUntilAnswered(`${its}/votes`, answer);
  } catch (error) {
    if (error.code !== 409) throw error;
    return askUntilAnswered(its); // it was answered in another window meanwhile
  }
}

async function begin() {
  at("begin").disabled = true;
  try {
    const { rater: name } = await ask("raters", {});
    location.search = `?rater=${encodeURIComponent(name)}`;
  } catch (error) {
    tell(error.code ? error.message : "The server does not answer. Try again.");
    at("begin").disabled = false;
  }
}

async function start() {
  try {
    const study = await askUntilAnswered("study");
    at("question").textContent = study.question;
    if (rater === null) {
      const how = study.timed ? "each seen for a moment" : "each seen as long as you wish";
      at("about").textContent = `You will see ${study.of} pairs of pictures, ${how}, and answer the question above.`;
      return only("welcome");
    }
    state = await askUntilAnswered(its);
    await show();
  } catch (error) {
    tell(error.code === 404 ? "This address is not one of this study. Was it copied whole?" : error.message);
  }
}

for (const [side, button] of Object.entries(sides)) button.addEventListener("click", () => choose(side));
at("begin").addEventListener("click", begin);
at("reveal").addEventListener("click", reveal);
document.addEventListener("keydown", (event) => {
  const side = { ArrowLeft: "left", ArrowRight: "right" }[event.key];
  if (!side || !ready || event.repeat || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  choose(side);
});
start();

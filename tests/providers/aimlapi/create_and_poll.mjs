// A program as the provider's documentation has it: creates a job, then asks until it is done.
// Usage: node create_and_poll.mjs BASE_URL KEY AUDIO_URL SECONDS_BETWEEN_POLLS

const [baseUrl, key, audioUrl, pause] = process.argv.slice(2);
const authorization = { Authorization: `Bearer ${key}` };

async function createJob() {
  const response = await fetch(`${baseUrl}/stt/create`, {
    method: "POST",
    headers: { ...authorization, "Content-Type": "application/json" },
    body: JSON.stringify({ model: "openai/gpt-4o-mini-transcribe", url: audioUrl }),
  });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return (await response.json()).generation_id;
}

async function ask(job) {
  const response = await fetch(`${baseUrl}/stt/${job}`, { headers: authorization });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return response.json();
}

const job = await createJob();
let answer = await ask(job);
for (const begun = Date.now(); ["queued", "generating"].includes(answer.status); answer = await ask(job)) {
  if (Date.now() - begun > 600_000) throw new Error("It takes too long.");
  console.error(`Status: ${answer.status}.`);
  await new Promise((resume) => setTimeout(resume, pause * 1000));
}
console.log(JSON.stringify(answer.result, null, 2));

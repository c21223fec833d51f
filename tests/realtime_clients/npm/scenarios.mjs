// What each client does, as its documentation says. The server is that of OPENAI_BASE_URL.
import { createOpenAI } from "@ai-sdk/openai";
import { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession, tool } from "@openai/agents-realtime";
import { experimental_streamTranscribe as streamTranscribe } from "ai";
import OpenAI from "openai";
import { OpenAIRealtimeWebSocket as BrowserSocket } from "openai/realtime/websocket";
import { OpenAIRealtimeWS } from "openai/realtime/ws";
import { z } from "zod";

const PIECE = 9_600; // bytes, 0.2 seconds

function* pieces(audio) {
  for (let start = 0; start < audio.length; start += PIECE) yield audio.subarray(start, start + PIECE);
}

/** The transcript of a turn and the answer, by `openai/realtime/ws`. */
export function openaiWs(audio) {
  return turn(new OpenAIRealtimeWS({ model: "gpt-realtime" }, new OpenAI()), (rt, f) => rt.socket.on("open", f), audio);
}

/** The same by `openai/realtime/websocket`, which sends the key in a subprotocol as browsers do. */
export function openaiWebSocket(audio) {
  const client = new OpenAI({ dangerouslyAllowBrowser: true });
  const rt = new BrowserSocket({ model: "gpt-realtime", dangerouslyAllowBrowser: true }, client);
  return turn(rt, (each, f) => each.socket.addEventListener("open", f), audio);
}

function turn(rt, onOpen, audio) {
  return new Promise((resolve, reject) => {
    const result = { heard: "", said: "", bytes: 0 };
    const finish = () => result.heard && result.said && (rt.close(), resolve(result));
    onOpen(rt, () => {
      rt.send({
        type: "session.update",
        session: { type: "realtime", audio: { input: { transcription: { model: "gpt-4o-transcribe" } } } },
      });
      for (const piece of pieces(audio)) {
        rt.send({ type: "input_audio_buffer.append", audio: piece.toString("base64") });
      }
    });
    rt.on("error", reject);
    rt.on("response.output_audio.delta", (event) => (result.bytes += Buffer.from(event.delta, "base64").length));
    rt.on("conversation.item.input_audio_transcription.completed", (event) => {
      result.heard = event.transcript;
      finish();
    });
    rt.on("response.done", (event) => {
      result.said = event.response.output[0].content[0].transcript;
      finish();
    });
  });
}

/** The code and the reason with which an unknown model is refused. */
export function refusedModel() {
  return new Promise((resolve) => {
    const rt = new OpenAIRealtimeWS({ model: "gpt-nope" }, new OpenAI());
    let message = "";
    rt.on("error", (error) => (message = error.error?.message ?? error.message));
    rt.socket.on("close", (code, reason) => resolve({ code, reason: String(reason), message }));
  });
}

/** An agent that calls a tool, by `@openai/agents-realtime`: the calls, the history, the seconds of sound. */
export async function agent(audio) {
  const result = { cities: [], said: "", heard: "", bytes: 0, errors: [] };
  const getWeather = tool({
    name: "get_weather",
    description: "Return the weather of a city.",
    parameters: z.object({ city: z.string() }),
    execute: async ({ city }) => {
      result.cities.push(city);
      return "Sunny.";
    },
  });
  const forecaster = new RealtimeAgent({ name: "Forecaster", instructions: "Be brief.", tools: [getWeather] });
  const transport = new OpenAIRealtimeWebSocket({
    url: process.env.OPENAI_BASE_URL.replace("http", "ws") + "/realtime?model=gpt-realtime",
  });
  const session = new RealtimeSession(forecaster, { transport, model: "gpt-realtime", tracingDisabled: true });
  session.on("error", (error) => result.errors.push(JSON.stringify(error.error ?? error)));
  session.on("audio", (event) => (result.bytes += event.data.byteLength));
  await session.connect({ apiKey: process.env.OPENAI_API_KEY });
  const answered = new Promise((resolve) => {
    session.on("history_updated", (history) => {
      const text = (role) => {
        const items = history.filter((item) => item.role === role && item.content?.[0]?.transcript);
        return items.at(-1)?.content[0].transcript ?? "";
      };
      result.heard = text("user");
      result.said = text("assistant");
      if (result.cities.length && result.said.endsWith("Sunny.") && result.heard) resolve();
    });
    setTimeout(resolve, 20_000);
  });
  for (const piece of pieces(audio)) {
    session.sendAudio(piece.buffer.slice(piece.byteOffset, piece.byteOffset + piece.length));
  }
  await answered;
  session.close();
  return result;
}

/** The transcript of a stream, by the AI SDK. */
export async function aiTranscription(audio) {
  const openai = createOpenAI({ baseURL: process.env.OPENAI_BASE_URL });
  const stream = new ReadableStream({
    start(controller) {
      for (const piece of pieces(audio)) controller.enqueue(new Uint8Array(piece));
      controller.close();
    },
  });
  const result = streamTranscribe({
    model: openai.transcription("gpt-realtime-whisper"),
    audio: stream,
    inputAudioFormat: { type: "audio/pcm", rate: 24_000 },
  });
  return { text: await result.text };
}

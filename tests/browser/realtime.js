// A page that talks to a Realtime session. SERVER and KEY are set before it. It reports to /found.

const tell = (found) => fetch("/found", { method: "POST", body: JSON.stringify(found) });

/** The question, spoken by the server: PCM at 24 kHz. */
async function speech() {
  const answer = await fetch(`${SERVER}/v1/audio/speech`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "tts-1", voice: "alloy", input: QUESTION, response_format: "pcm" }),
  });
  return new Uint8Array(await answer.arrayBuffer());
}

const base64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));

/** A turn over a WebSocket, with the key in a subprotocol. */
async function byWebSocket() {
  const audio = await speech();
  const socket = new WebSocket(`${SERVER.replace("http", "ws")}/v1/realtime?model=gpt-realtime`, [
    "realtime",
    `openai-insecure-api-key.${KEY}`,
  ]);
  const found = { kinds: {}, said: "", protocol: "" };
  return new Promise((resolve) => {
    socket.onopen = () => {
      found.protocol = socket.protocol;
      const silence = new Uint8Array(96_000);
      for (const part of [audio, silence]) {
        socket.send(JSON.stringify({ type: "input_audio_buffer.append", audio: base64(part) }));
      }
    };
    socket.onmessage = (message) => {
      const event = JSON.parse(message.data);
      found.kinds[event.type] = (found.kinds[event.type] ?? 0) + 1;
      if (event.type === "response.done") {
        found.said = event.response.output[0].content[0].transcript;
        socket.close(1000);
      }
    };
    socket.onclose = (event) => resolve({ ...found, code: event.code });
  });
}

/** A turn over WebRTC: the question is the sound of a track, the answer is measured as it is heard. */
async function byWebRtc() {
  const context = new AudioContext({ sampleRate: 48_000 });
  const samples = Float32Array.from(new Int16Array((await speech()).buffer), (sample) => sample / 32_768);
  const buffer = context.createBuffer(1, samples.length, 24_000);
  buffer.copyToChannel(samples, 0);
  const microphone = context.createMediaStreamDestination();

  const connection = new RTCPeerConnection();
  const found = { kinds: {}, said: "", heard: "", loudest: 0, tracks: 0, status: 0, location: "" };
  connection.ontrack = (event) => {
    found.tracks += 1;
    const analyser = context.createAnalyser();
    const player = new Audio(); // Chromium delivers the sound of a remote track only if something plays it
    player.srcObject = event.streams[0];
    player.muted = true;
    context.createMediaStreamSource(event.streams[0]).connect(analyser);
    const wave = new Float32Array(analyser.fftSize);
    setInterval(() => {
      analyser.getFloatTimeDomainData(wave);
      found.loudest = Math.max(found.loudest, ...wave.map(Math.abs));
    }, 20);
  };
  connection.addTrack(microphone.stream.getTracks()[0], microphone.stream);
  const events = connection.createDataChannel("oai-events");
  const done = new Promise((resolve) => {
    events.onmessage = (message) => {
      const event = JSON.parse(message.data);
      found.kinds[event.type] = (found.kinds[event.type] ?? 0) + 1;
      if (event.type === "session.created") {
        const source = context.createBufferSource();
        source.buffer = buffer;
        source.connect(microphone);
        source.start();
      }
      if (event.type === "response.done") found.said = event.response.output[0].content[0].transcript;
      if (event.type === "output_audio_buffer.stopped") resolve();
    };
  });
  await connection.setLocalDescription(await connection.createOffer());
  const answer = await fetch(`${SERVER}/v1/realtime/calls?model=gpt-realtime`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/sdp" },
    body: connection.localDescription.sdp,
  });
  found.status = answer.status;
  found.location = answer.headers.get("location") ?? "";
  await connection.setRemoteDescription({ type: "answer", sdp: await answer.text() });
  const patience = new Promise((resolve) => setTimeout(resolve, 60_000));
  await Promise.race([done, patience]);
  found.state = connection.connectionState; // for the report of a failure
  connection.close();
  return found;
}

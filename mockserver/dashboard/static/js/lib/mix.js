/** Plays the audio of both sides of a session together, each file at its time. */
import { useCallback, useEffect, useMemo, useRef, useState } from "./preact.js";

/**
 * Return `{isPlaying, position, toggle, seek}` of the `clips`: `{url, from, to}`, with times in seconds. The whole has
 * `length` seconds.
 */
export function useMix(clips, length) {
  const [isPlaying, setIsPlaying] = useState(false);
  const [position, setPosition] = useState(0);
  const now = useRef(0);
  const sounds = useMemo(() => clips.map((clip) => ({ ...clip, audio: new Audio(clip.url) })), [clips]);
  useEffect(() => {
    if (!isPlaying) return undefined;
    let before = performance.now();
    let frame = 0;
    const follow = (time) => {
      now.current = Math.min(now.current + Math.max(time - before, 0) / 1000, length);
      before = time;
      sounds.forEach((sound) => adjust(sound, now.current));
      setPosition(now.current);
      if (now.current >= length) setIsPlaying(false);
      else frame = requestAnimationFrame(follow);
    };
    frame = requestAnimationFrame(follow);
    return () => {
      cancelAnimationFrame(frame);
      sounds.forEach((sound) => sound.audio.pause());
    };
  }, [isPlaying, sounds, length]);
  const seek = useCallback((seconds) => {
    now.current = Math.min(Math.max(seconds, 0), length);
    sounds.forEach((sound) => sound.audio.pause());
    setPosition(now.current);
  }, [sounds, length]);
  const toggle = () => {
    if (!isPlaying && now.current >= length) seek(0);
    setIsPlaying(!isPlaying);
  };
  return { isPlaying, position, toggle, seek };
}

/** Play a sound from where it should be now, or stop it. */
function adjust({ audio, from, to }, now) {
  const isDue = now >= from && now < to;
  if (isDue && audio.paused && !audio.ended) {
    audio.currentTime = now - from;
    audio.play().catch(() => {});
  } else if (!isDue) {
    audio.pause();
    if (audio.ended) audio.currentTime = 0;
  }
}

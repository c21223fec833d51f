"""A program as in the provider's documentation: it creates a job and polls until the job is done.

Usage: create_and_poll.py BASE_URL KEY AUDIO_URL SECONDS_BETWEEN_POLLS
"""

import json
import sys
import time

import requests


def main(base_url: str, key: str, audio_url: str, pause: float) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    order = {"model": "openai/gpt-4o-mini-transcribe", "url": audio_url}
    answer = requests.post(f"{base_url}/stt/create", json=order, headers=headers, timeout=60)
    if answer.status_code >= 400:
        sys.exit(f"Error: {answer.status_code} - {answer.text}")
    job = answer.json()["generation_id"]
    given_up = time.time() + 600
    while time.time() < given_up:
        job_now = requests.get(f"{base_url}/stt/{job}", headers=headers, timeout=60).json()
        if job_now.get("status") not in ("queued", "generating"):
            print(json.dumps(job_now["result"], indent=2, ensure_ascii=False))  # noqa: T201
            return
        print(f"Status: {job_now['status']}.", file=sys.stderr)  # noqa: T201
        time.sleep(pause)
    sys.exit("It takes too long.")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]))

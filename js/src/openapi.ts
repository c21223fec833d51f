/** The types of the control API, generated from its OpenAPI document. `make js-types` writes this file. */

export interface paths {
    "/_mock/calls": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the caller's incoming telephone calls, oldest first. */
        get: operations["listCalls"];
        put?: never;
        /** Makes a telephone call (SIP), which the webhook realtime.call.incoming announces. */
        post: operations["makeCall"];
        /** Ends the caller's telephone calls, and forgets them. */
        delete: operations["resetCalls"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/costs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns the costs of the answered requests. */
        get: operations["getCosts"];
        put?: never;
        post?: never;
        /** Resets the costs. */
        delete: operations["resetCosts"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/faults": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the faults of the caller and those of all accounts. */
        get: operations["listFaults"];
        put?: never;
        /** Adds a fault: what goes wrong, for which requests, and when. */
        post: operations["addFault"];
        /** Removes the caller's faults, and resets counters. */
        delete: operations["resetFaults"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/faults/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns a fault. */
        get: operations["getFault"];
        /** Replaces a fault. */
        put: operations["replaceFault"];
        post?: never;
        /** Removes a fault. */
        delete: operations["removeFault"];
        options?: never;
        head?: never;
        /** Switches a fault on or off. It keeps its counters. */
        patch: operations["switchFault"];
        trace?: never;
    };
    "/_mock/journal": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the caller's exchanges, oldest first. */
        get: operations["listJournal"];
        put?: never;
        post?: never;
        /** Deletes the caller's exchanges. */
        delete: operations["clearJournal"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/limits": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns the levels of the rate limit buckets in use. */
        get: operations["getLimits"];
        /** Changes tiers, limits and the levels of buckets. */
        put: operations["changeLimits"];
        post?: never;
        /** Fills all buckets and undoes all changes of tiers and limits. */
        delete: operations["resetLimits"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/models": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the custom models: those of the configuration, and those added for the caller or for all accounts. */
        get: operations["listOwnModels"];
        put?: never;
        /** Adds a model that behaves like another one, for the caller or for all accounts. */
        post: operations["addModel"];
        /** Removes the models that were added for the caller, or for any account; those of the configuration stay. */
        delete: operations["resetModels"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/models/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns the card of a model: prices, limits, features, snapshots, sources. */
        get: operations["getModelCard"];
        put?: never;
        post?: never;
        /** Removes a model that was added for the caller; without an API key, also one of the configuration. */
        delete: operations["removeModel"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns the settings of the caller, without secrets. */
        get: operations["getSettings"];
        put?: never;
        post?: never;
        /** Undoes all changes of settings. */
        delete: operations["resetSettings"];
        options?: never;
        head?: never;
        /** Changes settings that apply to each request, for the caller or for all accounts; null undoes a change. */
        patch: operations["changeSettings"];
        trace?: never;
    };
    "/_mock/stubs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the stubs of the caller and those of all accounts. */
        get: operations["listStubs"];
        put?: never;
        /** Adds a stub: replies to the requests that match a pattern. */
        post: operations["addStub"];
        /** Removes the caller's stubs; those from files stay, and their counters are reset. */
        delete: operations["resetStubs"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/stubs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns a stub. */
        get: operations["getStub"];
        /** Replaces a stub. */
        put: operations["replaceStub"];
        post?: never;
        /** Removes a stub. */
        delete: operations["removeStub"];
        options?: never;
        head?: never;
        /** Switches a stub on or off; one of a file, too. It keeps its counters. */
        patch: operations["switchStub"];
        trace?: never;
    };
    "/_mock/webhooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the endpoints and faults of webhooks: the caller's, and those of all accounts. */
        get: operations["listWebhooks"];
        put?: never;
        /** Adds an endpoint for the caller's events, or without an API key for those of all accounts. */
        post: operations["addWebhook"];
        /** Removes the caller's endpoints, faults and deliveries of webhooks. */
        delete: operations["resetWebhooks"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/webhooks/faults": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Adds a fault of deliveries: late, duplicate, reordered, down, bad_signature or old_timestamp. */
        post: operations["addWebhookFault"];
        /** Removes the caller's faults of webhooks. */
        delete: operations["removeWebhookFaults"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/webhooks/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns an endpoint. */
        get: operations["getWebhook"];
        put?: never;
        post?: never;
        /** Removes an endpoint. */
        delete: operations["removeWebhook"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/calls/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns a telephone call: ringing, answered, rejected, referred or ended. */
        get: operations["getCall"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/calls/{id}/audio": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns what the caller has heard; what was cut off is missing. */
        get: operations["downloadCallAudio"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/catalog": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists every model: OpenAI's, those of other providers, and the custom models of the caller or of all accounts. */
        get: operations["listCatalog"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/clock": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns the state of the clock. */
        get: operations["getClock"];
        /** Sets, freezes, scales and advances the clock, in this order. */
        put: operations["changeClock"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/docs/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns a guide, such as stubs.md. */
        get: operations["getGuide"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns the version, the strictness and the engines. Open to all callers. */
        get: operations["health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/journal/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Streams what happens to the caller's exchanges, as server-sent events, until the client leaves. */
        get: operations["streamJournalEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/journal/report": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns the caller's latest exchanges as text, with likely mistakes of the code under test. */
        get: operations["reportJournal"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/journal/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns an exchange by the x-request-id of its response. */
        get: operations["getJournalEntry"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/journal/{id}/audio/{number}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns an uploaded audio file, numbered from 0. Requires --keep-audio. */
        get: operations["downloadJournalAudio"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/journal/{id}/code": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns an exchange as code that sends it again, and as the stub, faults and fixture that repeat its answer. */
        get: operations["getJournalCode"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/journal/{id}/near-misses": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns the stubs that differ least from the request of an exchange, with the differences. */
        get: operations["getJournalNearMisses"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/journal/{id}/said/{number}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns speech in the answer, numbered from 0: the file that was sent if --keep-audio kept it, otherwise the recorded text, spoken again in the same voice. The header x-mock-said has kept or spoken-again. */
        get: operations["downloadSaidAudio"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/llms.txt": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns llms.txt: the index of the guides for language models, with examples of tests. */
        get: operations["listGuides"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns the metrics for Prometheus. */
        get: operations["metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns this document. */
        get: operations["openapi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/scenarios": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns the states of the scenarios of the caller's account, or without an API key of every account. */
        get: operations["listScenarios"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/snapshot": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns the state of the caller's account, or without a key of the whole server. */
        get: operations["takeSnapshot"];
        /** Replaces the state of the caller's account, or of the whole server, by a snapshot: entirely or not at all. */
        put: operations["restoreSnapshot"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/webhooks/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the caller's deliveries, oldest first, with their attempts. */
        get: operations["listWebhookDeliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/webhooks/deliveries/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns a delivery by its webhook-id. */
        get: operations["getWebhookDelivery"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/work": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists batches, speech-to-text jobs and responses in the background, newest first. */
        get: operations["listWork"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/calls/{id}/hangup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Has the caller hang up. */
        post: operations["hangUp"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/calls/{id}/press": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Has the caller press keys: events input_audio_buffer.dtmf_event_received. */
        post: operations["pressKeys"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/calls/{id}/say": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Has the caller say something, followed by silence, as soon as the call is answered. */
        post: operations["speakInCall"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/journal/count": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Counts the exchanges that match a pattern. */
        post: operations["countJournal"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/journal/query": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Lists the caller's exchanges that match a pattern, oldest first. */
        post: operations["queryJournal"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/reset": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Resets the state of the caller, or the named parts of it. */
        post: operations["reset"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/shutdown": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Finishes the requests in flight and ends the server. Requires --allow-shutdown. */
        post: operations["shutdown"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Verifies the number of requests that match a pattern: exactly, at_least (default 1) or at_most. */
        post: operations["verify"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/wait": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Waits until enough requests match a pattern. */
        post: operations["wait"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/webhooks/deliveries/{id}/redeliver": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Delivers an event again, with the same webhook-id. */
        post: operations["redeliverWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/webhooks/send": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sends an event by hand to the endpoints that subscribe to its type. */
        post: operations["sendWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/webhooks/wait": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Waits until enough deliveries match. */
        post: operations["waitForWebhooks"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/scenarios/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Sets the state of a scenario of an account. Requires an API key, or the project of the account in x-mock-account. */
        put: operations["setScenario"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * Scenario of a call
         * @description What a caller of a Realtime server says, does and expects.
         */
        call: {
            /** @description A name for reports. Default: that of the file. */
            name?: string;
            /** @description The model of the conversation. Default: gpt-realtime. */
            model?: string;
            /** @description Whether the session only transcribes. */
            transcription?: boolean;
            /** @description The voice of the caller. Default: nova. */
            voice?: string;
            /** @description The session of session.update, which is sent first. */
            session?: Record<string, unknown>;
            /** @description Answers of the caller to function calls, by the name of the function. */
            tools?: {
                [key: string]: {
                    /** @description The answer: a text, or JSON. */
                    answer: unknown;
                };
            };
            /** @description What happens, in this order. */
            steps: components["schemas"]["call_step"][];
            /** @description What must hold of the whole call. */
            expect?: {
                /** @description The functions that were called, in this order. */
                tools?: string[];
                /** @description How many replies were cut off. */
                interruptions?: number;
                /** @description How many error events came. Default: 0. */
                errors?: number;
                /** @description The longest gap between a turn of the caller and the reply. */
                max_gap_ms?: components["schemas"]["call_ms"];
            };
        };
        call_ms: number;
        call_words: string | string[];
        /** @description true: any reply. A text: what it must contain, in upper or lower case. */
        call_heard: boolean | string | {
            /** @description Texts that it must contain, in upper or lower case. */
            contains?: components["schemas"]["call_words"];
            /** @description The whole text. */
            equals?: string;
            /**
             * Format: regex
             * @description A regular expression that is found in it.
             */
            matches?: string;
            /** @description The time until it begins. Default: 10000. */
            within_ms?: components["schemas"]["call_ms"];
            /**
             * @description The status of the response. Default: completed.
             * @enum {unknown}
             */
            status?: "completed" | "cancelled" | "failed" | "incomplete";
            /** @description The longest gap between the end of the caller's turn and it. */
            max_gap_ms?: components["schemas"]["call_ms"];
        };
        /** @description true: any transcript. A text: what it must contain, in upper or lower case. */
        call_understood: boolean | string | {
            /** @description Texts that it must contain, in upper or lower case. */
            contains?: components["schemas"]["call_words"];
            /** @description The whole text. */
            equals?: string;
            /**
             * Format: regex
             * @description A regular expression that is found in it.
             */
            matches?: string;
            /** @description The time until it comes. Default: 10000. */
            within_ms?: components["schemas"]["call_ms"];
        };
        call_step: {
            /** @description A text to say. */
            say?: string;
            /** @description A sound file to play, relative to the scenario. */
            play?: string;
            /** @description Milliseconds of silence. */
            wait?: components["schemas"]["call_ms"];
            hear?: components["schemas"]["call_heard"];
            /** @description A text to say while the reply is played. */
            interrupt?: string;
            /** @description Of interrupt: how much of the reply is played before. Default: 340. */
            after_ms?: components["schemas"]["call_ms"];
            /** @description What the server must have understood of the last turn. */
            transcript?: components["schemas"]["call_understood"];
            /** @description The server ends the call. */
            ends?: {
                /** @description The close code. */
                code?: number;
                /** @description The reason of the close. */
                reason?: string;
                /** @description The time until it ends. Default: 10000. */
                within_ms?: components["schemas"]["call_ms"];
            };
            /**
             * @description The caller ends the call.
             * @constant
             */
            hang_up?: true;
        } & (unknown | unknown | unknown | unknown | unknown | unknown | unknown | unknown);
        /**
         * Change of the clock
         * @description A change of the clock. Applied in this order: set, freeze, scale, advance.
         */
        clock: {
            /** @description The new time, in seconds since 1970; at most the year 3000. */
            set?: number;
            /** @description Freezes the clock, or lets it run on from its current time. */
            freeze?: boolean;
            /** @description The speed of the clock from now on, as a multiple of real time. */
            scale?: number;
            /** @description Seconds to move the clock by; negative ones move it back. At most a hundred years. */
            advance?: number;
        };
        /**
         * Fault
         * @description A fault: an error of the catalog (`error`) or a fault of the connection or the response (`fault`), with the requests and times that it applies to.
         */
        fault: {
            /** @description Generated if it is left out. */
            id?: string;
            /** @description A name for display. */
            name?: string;
            /** @description `false`: it is switched off, and hits nothing. Default: true. */
            enabled?: boolean;
            /** @description The name or status of an error of the catalog. */
            error?: string | number;
            /**
             * @description The kind of fault. The kinds with sse_ hit only requests for events, corrupt_audio only requests for audio, job_error only requests that create a speech-to-text job, upgrade_refused and the kinds with realtime_ only Realtime sessions and their turns.
             * @enum {string}
             */
            fault?: "latency" | "hang" | "connection_reset" | "truncated_body" | "malformed_json" | "wrong_content_length" | "sse_cut" | "sse_duplicate" | "sse_delay" | "sse_garble" | "sse_error" | "sse_no_done" | "corrupt_audio" | "slow_drip" | "job_error" | "upgrade_refused" | "realtime_close" | "realtime_error" | "realtime_expired" | "realtime_silence" | "realtime_slow" | "realtime_delay" | "realtime_duplicate" | "realtime_drop" | "realtime_reorder" | "realtime_garble" | "realtime_failed";
            when?: components["schemas"]["when"];
            /** @description Number of requests of an account that it hits; later ones succeed. */
            times?: number;
            /** @description Hits every k-th matching request, beginning with the k-th. */
            every?: number;
            /** @description Probability that it hits a request. */
            probability?: number;
            /** @description Seed of the random probability, jitter and wrong bytes. Default: the server's seed. */
            seed?: string | number;
            /** @description Time of the clock from which it hits, in seconds since 1970. */
            from?: number;
            /** @description Time of the clock until which it hits, in seconds since 1970. */
            until?: number;
            /** @description With error: the message in place of the catalog's. With sse_error: that of the error in the stream. With job_error: the message with which the job fails. With realtime_error, realtime_failed, upgrade_refused: that of the error. With realtime_close: the reason of the close frame. */
            message?: string;
            /** @description With sse_error, realtime_error, realtime_failed: the code of the error. Default: server_error. */
            code?: string;
            /** @description With error: seconds after which the client should retry. */
            retry_after?: number;
            /** @description With latency, sse_delay: the wait (default 1). With hang: the maximum wait (default: until the client leaves). With wrong_content_length: the time for which missing bytes are withheld (default 1). With realtime_delay: the wait (default 1). With realtime_slow: the wait before each event (default 0.1). With realtime_silence: its duration (default: for ever). */
            seconds?: number;
            /** @description With latency: the variation of the wait, as a fraction of it. */
            jitter?: number;
            /**
             * @description With connection_reset: before, in the middle of (default) or after the body.
             * @enum {string}
             */
            at?: "before" | "middle" | "after";
            /** @description With sse_…: the number of events before the fault (default 1). With truncated_body, connection_reset in the middle: bytes of the body that are sent (default: half; of a stream, its first piece). With realtime_…: the number of events that are sent before the fault (default 1). */
            after?: number;
            /** @description With wrong_content_length: the number of bytes announced in excess; negative for too few. Default: 16. A stream announces 2 GiB, or the absolute value of a negative number. */
            by?: number;
            /** @description With upgrade_refused: the status of the answer. Default: 503. */
            status?: number;
            /** @description With realtime_close: the code of the close frame. 1006: the connection ends without one. Default: 1011. */
            close?: number;
            /** @description With realtime_…: the type of the events that are counted and changed; * and ? are wildcards. Default: *. */
            event?: string;
            /** @description With realtime_delay, realtime_duplicate, realtime_drop, realtime_reorder, realtime_garble: the number of events that are changed. Default: 1. */
            count?: number;
            /** @description With realtime_close, realtime_error, realtime_expired, realtime_silence, realtime_slow: the seconds of appended audio after which the fault acts, in place of `after`. */
            audio_seconds?: number;
            /** @description With slow_drip: the rate of the body. Default: 1000. */
            bytes_per_second?: number;
        };
        /**
         * Fixture
         * @description A clip with its exact transcript. Only `text` or `segments` is required; the rest is derived.
         */
        fixture: {
            /** @description Path of the audio file, relative to this file. Default: the file of the same name with an audio extension. */
            audio?: string;
            /** @description File-name patterns (`meeting*.wav`) of uploads that this fixture answers regardless of their audio. */
            files?: string[];
            /** @description ISO 639-1 code of the spoken language. */
            language?: string;
            /** @description The transcript. */
            text?: string;
            /** @description The transcript in English, for translations. */
            translation?: string;
            /** @description SHA-256 of the audio file. */
            sha256?: string;
            /** @description The facts of the audio file. If given, the file is not decoded. */
            facts?: {
                container: string;
                codec: string;
                duration: number;
                channels: number;
                sample_rate: number;
                pcm_sha256: string;
            };
            segments?: {
                text: string;
                start: number;
                end: number;
                speaker?: string;
                words?: {
                    word: string;
                    start: number;
                    end: number;
                    probability?: number;
                }[];
                tokens?: number[];
                temperature?: number;
                avg_logprob?: number;
                compression_ratio?: number;
                no_speech_prob?: number;
                seek?: number;
            }[];
        } | unknown | unknown;
        /**
         * Count of journal entries
         * @description Pattern of the entries to count.
         */
        journal_count: {
            when?: components["schemas"]["journal_when"];
        };
        /**
         * Query of the journal
         * @description Pattern of the entries to list.
         */
        journal_query: {
            when?: components["schemas"]["journal_when"];
            /** @description Maximum number of entries, the latest ones. Default: 1000. */
            limit?: number;
            /** @description Id of an entry. Lists only later entries, the first of them. */
            after?: string;
            /** @description Id of an entry. Lists only earlier entries, the latest of them. */
            before?: string;
            /** @description Names of the members that the listed entries have, also of their session: realtime.turns. Default: all. */
            fields?: string[];
        };
        /**
         * Pattern of the journal
         * @description A pattern of journal entries. All given conditions must hold.
         */
        journal_when: {
            endpoint?: components["schemas"]["when"]["endpoint"];
            method?: components["schemas"]["when"]["method"];
            account?: components["schemas"]["when"]["account"];
            model?: components["schemas"]["when"]["model"];
            headers?: components["schemas"]["when"]["headers"];
            fields?: components["schemas"]["when"]["fields"];
            turn?: components["schemas"]["when"]["turn"];
            prompt?: components["schemas"]["when"]["prompt"];
            user_text?: components["schemas"]["when"]["user_text"];
            file?: components["schemas"]["when"]["file"];
            sha256?: components["schemas"]["when"]["sha256"];
            pcm_sha256?: components["schemas"]["when"]["pcm_sha256"];
            container?: components["schemas"]["when"]["container"];
            codec?: components["schemas"]["when"]["codec"];
            channels?: components["schemas"]["when"]["channels"];
            sample_rate?: components["schemas"]["when"]["sample_rate"];
            duration?: components["schemas"]["when"]["duration"];
            heard?: components["schemas"]["when"]["heard"];
            /** @description Status of the response, or several; 4xx means any from 400 to 499. */
            status?: components["schemas"]["journal_when_status"] | components["schemas"]["journal_when_status"][];
            /** @description Name of the error in the catalog that the request was refused with; * and ? are wildcards. */
            error?: components["schemas"]["when_names"];
            /** @description The value of the response header x-mock-answered-by; * and ? are wildcards. */
            answered_by?: components["schemas"]["when_names"];
            /** @description Id of the stub that answered; * and ? are wildcards. */
            stub?: components["schemas"]["when_names"];
            /** @description Kind, error or id of the fault that hit the request; * and ? are wildcards. */
            fault?: components["schemas"]["when_names"];
            /** @description The text of the reply of a chat, a response, or a turn of a Realtime session. */
            said?: components["schemas"]["when_text"];
            /** @description Name of a tool that the reply calls; * and ? are wildcards. */
            tool?: components["schemas"]["when_names"];
            /** @description Whether the turn of a Realtime session was cancelled, or cut off while it was played. */
            interrupted?: boolean;
            /** @description Type of an event in a Realtime session, of the client or the server; * and ? are wildcards. */
            event?: components["schemas"]["when_names"];
            /** @description Whether the client left before the end of the response. */
            hung_up?: boolean;
            /** @description Whether the response is still being streamed. */
            in_flight?: boolean;
        };
        journal_when_status: number | string;
        /**
         * Change of rate limits
         * @description A change of rate limits, for the account of the API key in the call; without a key, for every account.
         */
        limits: {
            /**
             * @description The usage tier from now on.
             * @enum {string}
             */
            tier?: "free" | "tier-1" | "tier-2" | "tier-3" | "tier-4" | "tier-5";
            /** @description A model. The change applies to its whole limit group. */
            model?: string;
            /** @description A limit group, instead of a model. */
            group?: string;
            /** @description Limits that replace those of the catalog, for every tier; null removes a limit. */
            limits?: {
                requests_per_minute?: number | null;
                requests_per_hour?: number | null;
                requests_per_day?: number | null;
                tokens_per_minute?: number | null;
                images_per_minute?: number | null;
                audio_seconds_per_minute?: number | null;
                enqueued_tokens?: number | null;
            };
            /**
             * @description The bucket for `remaining` or `drain`. Without it, `drain` applies to all buckets of the limit group.
             * @enum {string}
             */
            kind?: "requests_per_minute" | "requests_per_hour" | "requests_per_day" | "tokens_per_minute" | "images_per_minute" | "audio_seconds_per_minute";
            /** @description Sets what is left in the bucket, which keeps refilling. More than the limit fills it. */
            remaining?: number;
            /** @description Empties the buckets until they have refused one request: the next request fails, its retry succeeds. */
            drain?: boolean;
        };
        /**
         * Model
         * @description A custom model. Fields that are left out have the values of the model that it is `like`.
         */
        model: {
            /** @description Id of the model in requests. */
            id: string;
            /** @description Id of the model that it behaves like. A fine-tuned model (`ft:BASE:…`) is like its base by default. */
            like?: string;
            /** @description Display name. */
            name?: string;
            /** @description Description in one line. */
            summary?: string;
            /** @description Creation time, in seconds since 1970. */
            created?: number;
            /** @description The owner in lists of models. */
            owned_by?: string;
            /** @description The model id in responses. Default: its own id. */
            snapshot?: string;
            /** @description The limit group. Default: that of the model that it is like. */
            limit_group?: string;
            /** @description The day from which it is refused if `retire_models` is on. */
            shutdown_date?: string;
            /** @description Paths such as `v1/audio/speech`. */
            endpoints?: string[];
            /** @description The use of text, image, audio and video. */
            modalities?: Record<string, unknown>;
            /** @description Supported features. */
            features?: Record<string, unknown>;
            /** @description Number of tokens. */
            context_window?: number;
            /** @description Number of tokens. */
            max_output_tokens?: number;
            /** @description A day, `YYYY-MM-DD`. */
            knowledge_cutoff?: string;
            /** @description US dollars per million tokens, or per minute of audio. */
            prices?: Record<string, unknown>;
            /** @description Rules for chats that differ from those of the model that it is like. */
            chat?: Record<string, unknown>;
            /** @description Rules for responses that differ from those of the model that it is like. */
            responses?: Record<string, unknown>;
            /** @description Rules for completions that differ. */
            completion?: Record<string, unknown>;
            /** @description Rules for embeddings that differ. */
            embedding?: Record<string, unknown>;
            /** @description Rules for moderations that differ. */
            moderation?: Record<string, unknown>;
            /** @description Rules for speech that differ. */
            speech?: Record<string, unknown>;
            /** @description Rules for transcriptions that differ. */
            transcription?: Record<string, unknown>;
            /** @description Rules for conversations of the Realtime API that differ. */
            realtime?: Record<string, unknown>;
            /** @description Rules for transcriptions of the Realtime API that differ. */
            live_transcription?: Record<string, unknown>;
            /** @description Sources of the figures. */
            sources?: Record<string, unknown>;
        };
        /**
         * Reply of a stub
         * @description A reply of a stub. One of text, segments, words, logprobs, say, audio, tool_calls, items, failure, job, embedding, flagged, json, body, base64, file, events and error is its kind; the other fields modify it.
         */
        reply: {
            /** @description The transcript; for chats and completions, the text of the model; for speech, the text spoken in place of the input; for embeddings, the text embedded in place of the input. */
            text?: string;
            /** @description Language (ISO 639-1) of the transcript. */
            language?: string;
            /** @description Duration of the transcript in seconds. Default: that of the audio. */
            duration?: number;
            /** @description The transcript in segments. Missing times are distributed over the audio. */
            segments?: {
                text: string;
                start?: number;
                end?: number;
                speaker?: string;
                words?: components["schemas"]["reply_words"];
                avg_logprob?: number;
                compression_ratio?: number;
                no_speech_prob?: number;
                temperature?: number;
                tokens?: number[];
            }[];
            /** @description The transcript word by word; each sentence is a segment. */
            words?: components["schemas"]["reply_words"];
            /** @description The transcript token by token, with the log probability of each. */
            logprobs?: {
                token: string;
                logprob: number;
            }[];
            /** @description The text of a chat model, spoken if the request asks for audio; for speech, the text spoken in place of the input. */
            say?: string;
            /** @description An audio file, as a path or {"base64": …}, encoded in the requested format. `say` or `text` is its transcript. */
            audio?: components["schemas"]["reply_bytes"];
            tool_calls?: {
                name: string;
                /** @description JSON, or the exact text to send. */
                arguments?: Record<string, unknown> | string;
                /** @description Whether it is a call of a custom tool, with text as arguments. */
                custom?: boolean;
            }[];
            /** @description The output of a response: items of the Responses API. Missing members are added. */
            items?: {
                type?: string;
                id?: string;
                status?: string;
                text?: string;
                content?: string | components["schemas"]["reply_part"][];
                summary?: components["schemas"]["reply_part"][];
                name?: string;
                namespace?: string;
                call_id?: string;
                arguments?: string | Record<string, unknown>;
                input?: string;
                code?: string;
                container_id?: string;
                encrypted_content?: string;
            }[];
            /** @description The error with which a response fails, after its text or items if there are any. A stream ends with the events error and response.failed. */
            failure?: {
                /** @description Such as rate_limit_exceeded or invalid_prompt. Default: server_error. */
                code?: string;
                message?: string;
            };
            /** @enum {string} */
            finish_reason?: "stop" | "length" | "tool_calls" | "content_filter" | "function_call";
            /** @description The findings of moderation (the reply of moderations, or an addition to that of a chat which asks for it), and of Azure's content filter; with a severity each if it is an object. Default: none. */
            flagged?: {
                /** @description The flagged categories of the input, or of the conversation. */
                input?: components["schemas"]["reply_categories"];
                /** @description The flagged categories of the reply. */
                output?: components["schemas"]["reply_categories"];
            };
            /** @description The vector of all texts, or vectors for the texts in turn; of any length, and sent as they are. */
            embedding?: unknown[] | unknown | unknown;
            /** @description The course of a speech-to-text job. Its transcript is that of the reply, or by default the usual one. */
            job?: {
                /** @description Seconds that it is queued, by the clock. */
                queued?: number;
                /** @description Seconds that it is generating, by the clock. */
                generating?: number;
                /** @description The message with which it fails. */
                error?: string;
            };
            /** @description The body, as JSON. */
            json?: unknown;
            /** @description The body, as text. */
            body?: string;
            /** @description The body, as bytes in base64. */
            base64?: string;
            /** @description The body: the path of a file. */
            file?: string;
            /** @description The body, as server-sent events: each a payload (JSON), a text that is sent unchanged ("[DONE]"), or {"event": …, "data": …}. */
            events?: unknown[];
            /** @description Status of a json, body, base64, file or events reply. Default: 200. */
            status?: number;
            /** @description Additional response headers; not for errors. */
            headers?: {
                [key: string]: string;
            };
            /** @description Content type of a json, body, base64, file or events reply. */
            content_type?: string;
            /** @description The name of an error of the catalog, or an object with the name and values for its message. */
            error?: string | {
                name: string;
                /** @description The message in place of the catalog's. */
                message?: string;
                /** @description Seconds after which the client should retry. */
                retry_after?: number;
            };
            /** @description Whether the texts of the reply are Jinja2 templates, rendered with the request. */
            template?: boolean;
            /** @description Seconds to wait before the request is handled. */
            delay?: number;
            /** @description Seconds to wait before the first byte of the body is sent. */
            first_byte?: number;
            /** @description Speed of the response: of the events of a stream, or as a wait before a whole response. */
            tokens_per_second?: number;
            /** @description The variation of each wait, as a fraction of it. */
            jitter?: number;
        };
        reply_part: {
            type?: string;
            text?: string;
            refusal?: string;
            annotations?: {
                end_index?: number;
            }[];
            logprobs?: Record<string, unknown>[];
        };
        reply_number: number;
        reply_vector: components["schemas"]["reply_number"][];
        reply_categories: components["schemas"]["reply_category"][] | {
            [key: string]: "safe" | "low" | "medium" | "high";
        };
        /** @enum {string} */
        reply_category: "harassment" | "harassment/threatening" | "sexual" | "hate" | "hate/threatening" | "illicit" | "illicit/violent" | "self-harm/intent" | "self-harm/instructions" | "self-harm" | "sexual/minors" | "violence" | "violence/graphic";
        reply_words: {
            word: string;
            start: number;
            end: number;
            probability?: number;
            speaker?: string;
        }[];
        reply_bytes: string | {
            base64: string;
        };
        /**
         * Reset
         * @description A reset of parts of the server. Without `what`, everything of the caller is reset.
         */
        reset: {
            /** @description Parts by name. `spoken` and `clock` are shared by all accounts: a call with an API key resets them only if it names them. */
            what?: ("settings" | "models" | "limits" | "costs" | "store" | "stubs" | "faults" | "journal" | "spoken" | "clock")[];
        };
        /**
         * State of a scenario
         * @description The new state of a scenario.
         */
        scenario: {
            /** @description The state. Default: the initial state of every scenario. */
            state?: string;
        };
        /**
         * Change of settings
         * @description Changes of settings while the server runs; null undoes a change.
         */
        settings: {
            /**
             * @description real: refuse what the real API refuses; schema: accept whatever the documented schema allows; off: accept whatever can be parsed.
             * @enum {string|null}
             */
            strictness?: "real" | "schema" | "off" | null;
            /** @description Refuse paths without /v1, as the real API does; otherwise answer them with a warning. */
            strict_urls?: boolean | null;
            /** @description Limits in place of the tier's, such as requests_per_minute=3,tokens_per_minute=none; observed: those of recorded answers where they contradict the documented ones. */
            limits?: string | null;
            /** @description Refuse requests that no stub answers, and name the nearest one. */
            strict_stubs?: boolean | null;
            /**
             * @description Answer where nothing can be transcribed (no Whisper, or no audio): a marked placeholder, or an error.
             * @enum {string|null}
             */
            unknown_audio?: "placeholder" | "error" | null;
            /** @description Language (ISO 639-1) of the text to speak; empty detects it. */
            speech_language?: string | null;
            /** @description Send chunks without choices in spoken chat streams, as the real API does. */
            choiceless_chunks?: boolean | null;
            /** @description Minimum seconds that a speech-to-text job is queued. */
            stt_queued_seconds?: number | null;
            /** @description Minimum seconds that a speech-to-text job is generating. */
            stt_generating_seconds?: number | null;
            /**
             * @description HTTP status of responses about a speech-to-text job.
             * @enum {string|null}
             */
            stt_get_status?: "201" | "200" | null;
            /** @description Seconds that a batch stays in each state; its lines are spread over the time in progress. */
            batch_seconds?: number | null;
            /** @description Seconds that a response in the background stays queued, and then in progress. */
            background_seconds?: number | null;
            /**
             * @description Pace of Realtime sessions: as fast as the client sends audio, or the times of the real API on the clock.
             * @enum {string|null}
             */
            realtime_pacing?: "fast" | "real" | null;
            /** @description Speak the beta of the Realtime API to clients that ask for it, which the real API refuses. */
            realtime_beta?: boolean | null;
        };
        /**
         * Snapshot
         * @description The state of an account or of all accounts, as `GET /_mock/snapshot` returns it and `PUT /_mock/snapshot` restores it.
         */
        snapshot: {
            /**
             * @description Version of this format.
             * @constant
             */
            version: 1;
            /** @description Version of the server that created it. */
            server?: string;
            /** @enum {string} */
            scope: "account" | "everything";
            state: {
                clock: {
                    now: number;
                    frozen: boolean;
                    scale: number;
                };
                settings: {
                    changes: components["schemas"]["settings"];
                    accounts: {
                        [key: string]: components["schemas"]["settings"];
                    };
                };
                /** @description Models that were added while the server ran. */
                models?: {
                    account: components["schemas"]["snapshot_account"];
                    model: components["schemas"]["model"];
                }[];
                limits: {
                    tiers: {
                        account: components["schemas"]["snapshot_account"];
                        /** @enum {string} */
                        tier: "free" | "tier-1" | "tier-2" | "tier-3" | "tier-4" | "tier-5";
                    }[];
                    limits: {
                        account: components["schemas"]["snapshot_account"];
                        group: string;
                        limits: {
                            [key: string]: number | null;
                        };
                    }[];
                    levels: {
                        account: components["schemas"]["snapshot_account"];
                        group: string;
                        kind: components["schemas"]["snapshot_kind"];
                        remaining: number;
                        age: components["schemas"]["snapshot_age"];
                        /** @description For a level of all accounts: the accounts that it was applied to. */
                        had?: string[];
                    }[];
                    buckets: {
                        account: components["schemas"]["snapshot_account"];
                        group: string;
                        kind: components["schemas"]["snapshot_kind"];
                        debt: number;
                        age: components["schemas"]["snapshot_age"];
                        amount: number;
                        /** @description In microseconds; the debt is a number of requests or tokens times the window. */
                        window: number;
                    }[];
                };
                costs: {
                    account: components["schemas"]["snapshot_account"];
                    model: string;
                    requests: number;
                    tokens: number;
                    seconds: number;
                    cost_usd: number;
                    requests_of_unknown_cost: number;
                }[];
                store: {
                    account: components["schemas"]["snapshot_account"];
                    kind: string;
                    values: {
                        [key: string]: Record<string, unknown>;
                    };
                    /** @description The blobs that the values name, in base64, except for large ones. */
                    blobs?: {
                        [key: string]: string;
                    };
                }[];
                /** @description Stubs, their counters and scenarios. */
                stubs: {
                    stubs: {
                        account_id: components["schemas"]["snapshot_account"];
                        document: components["schemas"]["stub"];
                    }[];
                    /** @description Whether the stubs of files that were switched on or off are enabled, by id. */
                    switched?: {
                        [key: string]: boolean;
                    };
                    counters: {
                        [key: string]: {
                            used: {
                                [key: string]: components["schemas"]["snapshot_count"];
                            };
                            scenarios: {
                                [key: string]: string;
                            };
                        };
                    };
                };
                /** @description Faults and their counters. */
                faults: {
                    faults: {
                        account: components["schemas"]["snapshot_account"];
                        document: components["schemas"]["fault"];
                        order: components["schemas"]["snapshot_count"];
                        counts: components["schemas"]["snapshot_counts"];
                    }[];
                    headers: {
                        [key: string]: components["schemas"]["snapshot_counts"];
                    };
                };
                /** @description Exchanges, without their audio. */
                journal: Record<string, unknown>;
            };
        };
        snapshot_count: number;
        /** @description Numbers of requests of each account that a fault has seen and has hit. */
        snapshot_counts: {
            [key: string]: components["schemas"]["snapshot_count"][];
        };
        /** @description The account; null in a snapshot of one account. */
        snapshot_account: string | null;
        /** @enum {string} */
        snapshot_kind: "requests_per_minute" | "requests_per_hour" | "requests_per_day" | "tokens_per_minute" | "images_per_minute" | "audio_seconds_per_minute" | "enqueued_tokens";
        /** @description Microseconds since the bucket had this level; null: until it has refused a request. */
        snapshot_age: number | null;
        /**
         * Stub
         * @description A scripted answer for the requests that match a pattern.
         */
        stub: {
            /** @description Generated if it is left out. */
            id?: string;
            /** @description A name for display. */
            name?: string;
            /** @description `false`: it is switched off, and answers nothing. Default: true. */
            enabled?: boolean;
            when?: components["schemas"]["when"];
            reply?: components["schemas"]["reply"];
            /** @description Replies, used one after another. */
            replies?: components["schemas"]["reply"][];
            /**
             * @description After the last reply: repeat the last one, begin again, or return an error. Default: last.
             * @enum {string}
             */
            then?: "last" | "loop" | "fail";
            /** @description Number of requests of an account that it answers. Default: unlimited. */
            times?: number;
            /** @description Of several matching stubs, that with the highest priority answers, then the most recent. Default: 0. */
            priority?: number;
            scenario?: {
                name: string;
                /** @description The state in which the stub answers. The initial state is `started`. */
                state?: string;
                /** @description The state after it has answered. */
                next?: string;
            };
        } & (unknown | unknown);
        /**
         * Switch
         * @description Switches a stub or fault on or off.
         */
        switch: {
            /** @description `false`: it answers or hits nothing until it is switched on. It keeps its counters. */
            enabled: boolean;
        };
        /**
         * Call
         * @description A telephone call that is made.
         */
        telephone_call: {
            /** @description The SIP header From: who calls. */
            from: string;
            /** @description The SIP header To: who is called. */
            to: string;
            /** @description More SIP headers. */
            headers?: {
                [key: string]: string;
            };
        };
        /**
         * Keys
         * @description The keys that a caller presses.
         */
        telephone_keys: {
            /** @description The keys, one after another. */
            digits: string;
        };
        /**
         * Speech
         * @description What a caller says: a text, or audio.
         */
        telephone_speech: {
            /** @description The text. */
            text?: string;
            /** @description Audio in base64: 16-bit samples of one channel at 24 kHz, little-endian. */
            audio?: string;
            /** @description The voice of a text. Default: alloy. */
            voice?: string;
            /** @description Seconds of silence after it. Default: 1. */
            silence?: number;
            /** @description Seconds that the call may ring before. Default: 10. */
            timeout?: number;
        } & (unknown | unknown);
        /**
         * Verification
         * @description The expected number of requests that match a pattern. Default: at least one.
         */
        verify: {
            when?: components["schemas"]["journal_when"];
            /** @description The exact number. */
            exactly?: number;
            /** @description The minimum number. */
            at_least?: number;
            /** @description The maximum number. */
            at_most?: number;
        };
        /**
         * Wait for requests
         * @description A wait for requests: their pattern, number and timeout.
         */
        wait: {
            when?: components["schemas"]["journal_when"];
            /** @description Number of requests to wait for. Default: 1. */
            at_least?: number;
            /** @description Maximum real seconds to wait. Default: 10. */
            timeout?: number;
        };
        /**
         * Endpoint of webhooks
         * @description A URL that receives events.
         */
        webhook: {
            /** @description An http: or https: URL on this machine, or of a host that the setting webhook_hosts allows. */
            url: string;
            /** @description Types of events, such as batch.completed, or patterns, such as batch.*. Default: all. */
            events?: string[];
            /** @description The signing secret: whsec_ and base64. Default: a new one. */
            secret?: string;
            /** @description A name for display. */
            name?: string;
        };
        /**
         * Event
         * @description An event that is sent by hand to the endpoints that subscribe to its type.
         */
        webhook_event: {
            /** @description The type, such as batch.completed; also one that the API does not have yet. */
            type: string;
            /** @description The data. Default: that of a sample, if the API has the type. */
            data?: Record<string, unknown>;
            /** @description The id of an endpoint that receives it, whether or not it subscribes to the type. Default: all that do. */
            endpoint?: string;
        };
        /**
         * Fault of webhooks
         * @description What goes wrong with deliveries of webhooks.
         */
        webhook_fault: {
            /**
             * @description The kind of fault.
             * @enum {string}
             */
            fault: "late" | "duplicate" | "reordered" | "down" | "bad_signature" | "old_timestamp";
            /** @description Types of events that it hits, or patterns. Default: all. */
            events?: string[];
            /** @description The id of the endpoint whose deliveries it hits. Default: any. */
            endpoint?: string | null;
            /** @description Number of deliveries (late, duplicate, reordered) or attempts (down, bad_signature, old_timestamp) that it hits; null for all. Default: 1. */
            times?: number | null;
            /** @description With late: the delay. With reordered: the longest wait for a later event. Seconds of the clock. Default: 60. */
            seconds?: number;
            /** @description With duplicate: how often the event is delivered again. Default: 1. */
            copies?: number;
        };
        /**
         * Wait for deliveries
         * @description A wait for deliveries of webhooks: which, how many, and a timeout.
         */
        webhook_wait: {
            /** @description Type of their events, or a pattern, such as batch.*. Default: all. */
            type?: string;
            /**
             * @description Their status. Default: delivered.
             * @enum {string}
             */
            status?: "pending" | "delivered" | "failed";
            /** @description The id of their endpoint. Default: any. */
            endpoint?: string;
            /** @description Members that the data of their events has, such as the id of a batch. */
            data?: Record<string, unknown>;
            /** @description Least number of their attempts, such as 1 with the status pending. Default: 0. */
            attempts?: number;
            /** @description Number of deliveries to wait for. Default: 1. */
            at_least?: number;
            /** @description Maximum real seconds to wait. Default: 10. */
            timeout?: number;
        };
        /**
         * Pattern
         * @description A pattern of requests for a stub, fault or verification. All given conditions must hold.
         */
        when: {
            /** @description Name of the endpoint (transcriptions, translations, speech, chat, …), operation (list_models) or path (/v1/models). A path need not be served; {id} matches one segment, * any text. */
            endpoint?: components["schemas"]["when_names"];
            /** @description The HTTP method: GET, POST, … */
            method?: components["schemas"]["when_methods"];
            /** @description The caller: an API key, organization or project. */
            account?: string;
            /** @description The model in the request; * and ? are wildcards. */
            model?: components["schemas"]["when_names"];
            /** @description Request headers by case-insensitive name; each a text, or an object of equals, contains, matches, present, sha256. */
            headers?: components["schemas"]["when_headers"];
            /** @description Form or JSON fields by dotted path (messages[0].role) or JSONPath ($.messages[*].role); each a value, or an object of equals, contains, matches, present, sha256. */
            fields?: components["schemas"]["when_fields"];
            /** @description The number of the response in a Realtime session, or of the transcription in a transcription session, from 1; or a range. */
            turn?: components["schemas"]["when_count"];
            /** @description The prompt of a transcription, the instructions of speech or of a Realtime session, the system messages of a chat. */
            prompt?: components["schemas"]["when_text"];
            /** @description The text of the user: the last user message of a chat, the input of speech. */
            user_text?: components["schemas"]["when_text"];
            /** @description File name of the upload; * and ? are wildcards. */
            file?: components["schemas"]["when_names"];
            /** @description SHA-256 of an audio file of the request. */
            sha256?: components["schemas"]["when_sha256"];
            /** @description SHA-256 of its decoded samples, the same in every lossless format. */
            pcm_sha256?: components["schemas"]["when_sha256"];
            /** @description Container of the audio as decoded: wav, mp3, ogg, … */
            container?: components["schemas"]["when_names"];
            /** @description Codec of the audio as decoded: pcm_s16le, opus, … */
            codec?: components["schemas"]["when_names"];
            /** @description Number of audio channels. */
            channels?: number;
            /** @description Sample rate of the audio in Hz. */
            sample_rate?: number;
            /** @description Duration of the audio in seconds, with a tolerance of 0.05 s, or a range. */
            duration?: number | {
                at_least?: number;
                at_most?: number;
            };
            /** @description Language (ISO 639-1) spoken in the audio. */
            language?: components["schemas"]["when_languages"];
            /** @description The transcript of the audio in the request. */
            heard?: components["schemas"]["when_text"];
        };
        when_names: string | string[];
        when_methods: string | string[];
        when_languages: string | string[];
        when_sha256: string;
        /** @description A regular expression, searched case-insensitively in the text; or an object of conditions. */
        when_text: string | {
            equals?: string;
            contains?: string;
            matches?: components["schemas"]["when_expression"];
            present?: boolean;
            sha256?: components["schemas"]["when_hashes"];
        };
        when_count: number | {
            at_least?: number;
            at_most?: number;
        };
        /** @description The SHA-256 of the text, or of a contained text with its length. */
        when_hash: string | {
            hash: string;
            length: number;
            ignore_case: boolean;
        };
        /** @description The SHA-256 of the text, or of a contained text with its length; or several of them. */
        when_hashes: components["schemas"]["when_hash"] | components["schemas"]["when_hash"][];
        /** @description A regular expression, searched case-insensitively. */
        when_expression: string;
        when_headers: {
            [key: string]: components["schemas"]["when_text"];
        };
        when_fields: {
            [key: string]: unknown;
        };
        error: {
            /** @description The place, what is wrong there, the remedy. */
            error: string;
        };
    };
    responses: {
        /** @description The call makes no sense. */
        400: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["error"];
            };
        };
        /** @description The server has a control token, and the call carries none, or another. */
        401: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["error"];
            };
        };
        /** @description The caller is not on this machine, or is a page of another site. */
        403: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["error"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    listCalls: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The calls. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "calls": []
                     *     }
                     */
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    makeCall: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "from": "sip:+14155550101@example.com",
                 *       "to": "sip:+18005550102@example.com",
                 *       "headers": {
                 *         "X-Plan": "gold"
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["telephone_call"];
            };
        };
        responses: {
            /** @description The call, which rings. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description No API key. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    resetCalls: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The calls that remain. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "calls": []
                     *     }
                     */
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    getCosts: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Sums by account and model; null for unknown costs. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    resetCosts: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The same as of GET. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    listFaults: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The faults, with the numbers of requests that each has seen and hit. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    addFault: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "error": "rate_limit_requests",
                 *       "times": 2
                 *     }
                 */
                "application/json": components["schemas"]["fault"];
            };
        };
        responses: {
            /** @description The fault, with its id. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    resetFaults: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The faults that remain. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    getFault: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The fault, with the numbers of requests that it has seen and hit. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            /** @description Unknown fault. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
        };
    };
    replaceFault: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "fault": "latency",
                 *       "seconds": 0.5
                 *     }
                 */
                "application/json": components["schemas"]["fault"];
            };
        };
        responses: {
            /** @description The fault. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            /** @description Unknown fault. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
        };
    };
    removeFault: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The id of the fault. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            /** @description Unknown fault. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
        };
    };
    switchFault: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "enabled": false
                 *     }
                 */
                "application/json": components["schemas"]["switch"];
            };
        };
        responses: {
            /** @description The fault. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            /** @description Unknown fault. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
        };
    };
    listJournal: {
        parameters: {
            query?: {
                /** @description The members of the entries, separated by commas; by default all. */
                fields?: string;
                /** @description A pattern, as a JSON object. */
                when?: string;
                /** @description Name of an endpoint. */
                endpoint?: string;
                /** @description A model; * and ? are wildcards. */
                model?: string;
                /** @description A status such as 429, or 4xx. */
                status?: string;
                /** @description The id of an entry; only later ones are listed, the first of them. */
                after?: string;
                /** @description The id of an entry; only earlier ones are listed. */
                before?: string;
                /** @description The maximum number of entries; 1000 by default. */
                limit?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The latest entries, the number of evicted ones of all accounts, and the cursor of the events that follow. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    clearJournal: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The number of deleted entries. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "deleted": 2
                     *     }
                     */
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    getLimits: {
        parameters: {
            query?: {
                /** @description A model whose buckets are included. Repeatable. */
                model?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The buckets by account and limit group, and the clock. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    changeLimits: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "model": "whisper-1",
                 *       "limits": {
                 *         "requests_per_minute": 3
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["limits"];
            };
        };
        responses: {
            /** @description The same as of GET, with the buckets of the model. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    resetLimits: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The same as of GET. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    listOwnModels: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The custom models. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "models": [
                     *         {
                     *           "id": "my-model",
                     *           "like": "gpt-5.1"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    addModel: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "id": "my-model",
                 *       "like": "gpt-5.1"
                 *     }
                 */
                "application/json": components["schemas"]["model"];
            };
        };
        responses: {
            /** @description The model, with all members inherited from the model it is like. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    resetModels: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The custom models that remain. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    getModelCard: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The model. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            /** @description Unknown model. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
        };
    };
    removeModel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The id of the model. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "deleted": "my-model"
                     *     }
                     */
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            /** @description Unknown model. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
        };
    };
    getSettings: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All settings, and those that were changed for the caller while the server ran. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "settings": {
                     *         "strictness": "off",
                     *         "tier": "tier-5"
                     *       },
                     *       "changed": {
                     *         "strictness": "off"
                     *       }
                     *     }
                     */
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    resetSettings: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The same as of GET. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    changeSettings: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "strictness": "off"
                 *     }
                 */
                "application/json": components["schemas"]["settings"];
            };
        };
        responses: {
            /** @description The same as of GET. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    listStubs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The stubs, with the number of uses of each. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    addStub: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "when": {
                 *         "endpoint": "transcriptions",
                 *         "file": "meeting*.wav"
                 *       },
                 *       "reply": {
                 *         "text": "Welcome to the meeting."
                 *       },
                 *       "times": 1
                 *     }
                 */
                "application/json": components["schemas"]["stub"];
            };
        };
        responses: {
            /** @description The stub, with its id. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    resetStubs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The stubs that remain. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    getStub: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The stub, with the number of its uses. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            /** @description Unknown stub. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
        };
    };
    replaceStub: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "when": {
                 *         "endpoint": "chat"
                 *       },
                 *       "reply": {
                 *         "text": "Good evening."
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["stub"];
            };
        };
        responses: {
            /** @description The stub. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            /** @description Unknown stub. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
        };
    };
    removeStub: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The id of the stub. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            /** @description Unknown stub. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
        };
    };
    switchStub: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "enabled": false
                 *     }
                 */
                "application/json": components["schemas"]["switch"];
            };
        };
        responses: {
            /** @description The stub. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            /** @description Unknown stub. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
        };
    };
    listWebhooks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The endpoints, without their secrets, and the faults. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "endpoints": [
                     *         {
                     *           "id": "we_692b0f00c0ffee0123456789abcdef01",
                     *           "name": "",
                     *           "url": "http://127.0.0.1:8000/webhook",
                     *           "events": [
                     *             "batch.*"
                     *           ],
                     *           "source": "control",
                     *           "created_at": 1764430592,
                     *           "updated_at": 1764430592,
                     *           "secret_hint": "whsec_...Aj4="
                     *         }
                     *       ],
                     *       "faults": []
                     *     }
                     */
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    addWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "url": "http://127.0.0.1:8000/webhook",
                 *       "events": [
                 *         "batch.*"
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["webhook"];
            };
        };
        responses: {
            /** @description The endpoint, with its secret. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    resetWebhooks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The endpoints and faults that remain. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    addWebhookFault: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "fault": "bad_signature",
                 *       "times": 2
                 *     }
                 */
                "application/json": components["schemas"]["webhook_fault"];
            };
        };
        responses: {
            /** @description The fault, with its id. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    removeWebhookFaults: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The endpoints and faults that remain. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    getWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The endpoint, without its secret. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            /** @description Unknown endpoint. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
        };
    };
    removeWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The id of the endpoint. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "deleted": "we_692b0f00c0ffee0123456789abcdef01"
                     *     }
                     */
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            /** @description Unknown endpoint. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
        };
    };
    getCall: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The call. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            /** @description Unknown call. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
        };
    };
    downloadCallAudio: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A wav file, 24 kHz. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "audio/wav": unknown;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            /** @description Unknown call. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
        };
    };
    listCatalog: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The models, and the clock that their shutdown dates follow. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "models": [
                     *         {
                     *           "id": "tts-1",
                     *           "kind": "model",
                     *           "provider": "openai",
                     *           "endpoints": [
                     *             "v1/audio/speech"
                     *           ],
                     *           "created": 1681940951,
                     *           "shutdown_date": "2027-01-06",
                     *           "is_shut_down": false,
                     *           "replacements": [],
                     *           "limit_group": "tts-1"
                     *         }
                     *       ],
                     *       "clock": {
                     *         "now": 1800000000,
                     *         "frozen": true,
                     *         "scale": 1
                     *       }
                     *     }
                     */
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    getClock: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Seconds since 1970, whether the clock is frozen, and its scale. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "now": 1800000000,
                     *       "frozen": true,
                     *       "scale": 1
                     *     }
                     */
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    changeClock: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "advance": 61
                 *     }
                 */
                "application/json": components["schemas"]["clock"];
            };
        };
        responses: {
            /** @description The same as of GET. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    getGuide: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The guide. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /** @example # Stubs */
                    "text/markdown": unknown;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            /** @description Unknown guide. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
        };
    };
    health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The server and its engines. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "ok",
                     *       "version": "0.1.0",
                     *       "strictness": "real",
                     *       "fixtures": 4,
                     *       "transcription": {
                     *         "engine": "none"
                     *       },
                     *       "speech": {
                     *         "engine": "pyttsx3"
                     *       }
                     *     }
                     */
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    streamJournalEvents: {
        parameters: {
            query?: {
                /** @description The members of the entries, separated by commas; by default all. */
                fields?: string;
                /** @description A pattern, as a JSON object. */
                when?: string;
                /** @description Name of an endpoint. */
                endpoint?: string;
                /** @description A model; * and ? are wildcards. */
                model?: string;
                /** @description A status such as 429, or 4xx. */
                status?: string;
                /** @description The id of an event, or the cursor of a list, to begin after; by default from now on. */
                after?: string;
                /** @description true for events of changed stubs, faults, settings, limits, models and the clock, too. */
                changes?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The events entry, removed, skipped, deleted, changed and failed. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example event: entry
                     *     data: {"id": "req_0123456789abcdef0123456789abcdef", "status": 200}
                     */
                    "text/event-stream": unknown;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            /** @description Too many streams are open. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
        };
    };
    reportJournal: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The text; empty if there are no exchanges. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "report": "13:30:05.481 POST /v1/threads → 404, endpoint_not_served"
                     *     }
                     */
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    getJournalEntry: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The entry. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            /** @description Unknown entry. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
        };
    };
    downloadJournalAudio: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
                number: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": unknown;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            /** @description Unknown entry or file, or the file was not kept. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
        };
    };
    getJournalCode: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The texts and documents; null for what cannot be made, with the reason in missing. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            /** @description Unknown entry. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
        };
    };
    getJournalNearMisses: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The stubs that the request can see, the nearest first, and the message if it was refused because no stub matched. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            /** @description Unknown entry. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
        };
    };
    downloadSaidAudio: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
                number: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file. Samples without a header (pcm) and speech that is spoken again are WAV. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": unknown;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            /** @description Unknown entry or file, or the file was not kept and cannot be spoken again. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
        };
    };
    listGuides: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The index, in Markdown, in the format of llmstxt.org. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /** @example # audio-mockserver */
                    "text/plain": unknown;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The text format of Prometheus, or of OpenMetrics if Accept asks for it. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /** @example mockserver_requests_total{endpoint="speech",model="tts-1",status="200"} 1.0 */
                    "text/plain": unknown;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    openapi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The OpenAPI 3.1 document of the control API. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    listScenarios: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The scenarios, or a list of accounts with theirs. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    takeSnapshot: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A snapshot. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    restoreSnapshot: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["snapshot"];
            };
        };
        responses: {
            /** @description The parts that were restored. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    listWebhookDeliveries: {
        parameters: {
            query?: {
                /** @description A type of events, or a pattern. */
                type?: string;
                /** @description pending, delivered or failed. */
                status?: string;
                /** @description The id of an endpoint. */
                endpoint?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The deliveries. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    getWebhookDelivery: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The delivery. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            /** @description Unknown delivery. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
        };
    };
    listWork: {
        parameters: {
            query?: {
                /** @description The maximum number of entries; 200 by default. */
                limit?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The work of the caller or of all accounts, and when it changes next. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "work": [
                     *         {
                     *           "kind": "batch",
                     *           "id": "batch_1",
                     *           "endpoint": "v1/chat/completions",
                     *           "status": "in_progress",
                     *           "counts": {
                     *             "total": 10,
                     *             "completed": 4,
                     *             "failed": 0
                     *           }
                     *         }
                     *       ],
                     *       "total": 1,
                     *       "unfinished": 1,
                     *       "read_again_ms": 600,
                     *       "clock": {
                     *         "now": 1800000000,
                     *         "frozen": false,
                     *         "scale": 1
                     *       }
                     *     }
                     */
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    hangUp: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The call. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            /** @description Unknown call. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
        };
    };
    pressKeys: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "digits": "42#"
                 *     }
                 */
                "application/json": components["schemas"]["telephone_keys"];
            };
        };
        responses: {
            /** @description The call. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description Nobody is on the line. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            /** @description Unknown call. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
        };
    };
    speakInCall: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "text": "What is the weather in Berlin?",
                 *       "voice": "echo"
                 *     }
                 */
                "application/json": components["schemas"]["telephone_speech"];
            };
        };
        responses: {
            /** @description The call. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description Nobody is on the line, or has answered in time. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            /** @description Unknown call. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
        };
    };
    countJournal: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "when": {
                 *         "file": "meeting*.wav"
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["journal_count"];
            };
        };
        responses: {
            /** @description The number. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "count": 2
                     *     }
                     */
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    queryJournal: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "when": {
                 *         "endpoint": "transcriptions",
                 *         "status": "4xx"
                 *       },
                 *       "limit": 10
                 *     }
                 */
                "application/json": components["schemas"]["journal_query"];
            };
        };
        responses: {
            /** @description The same as of GET /_mock/journal. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    reset: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "what": [
                 *         "stubs",
                 *         "journal"
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["reset"];
            };
        };
        responses: {
            /** @description The parts that were reset. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "reset": [
                     *         "stubs",
                     *         "journal"
                     *       ],
                     *       "account": "sk-mock-me"
                     *     }
                     */
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    shutdown: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The server is stopping. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "stopping"
                     *     }
                     */
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            /** @description The program that hosts the app does not support shutdown. */
            501: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
        };
    };
    verify: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "when": {
                 *         "endpoint": "transcriptions",
                 *         "file": "meeting*.wav"
                 *       },
                 *       "exactly": 1
                 *     }
                 */
                "application/json": components["schemas"]["verify"];
            };
        };
        responses: {
            /** @description The number of matching requests, and their ids. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "count": 1,
                     *       "entries": [
                     *         "req_0123456789abcdef0123456789abcdef"
                     *       ]
                     *     }
                     */
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            /** @description Too few or too many requests match; near_misses are the most similar entries. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
        };
    };
    wait: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "when": {
                 *         "endpoint": "speech"
                 *       },
                 *       "at_least": 2,
                 *       "timeout": 5
                 *     }
                 */
                "application/json": components["schemas"]["wait"];
            };
        };
        responses: {
            /** @description The number of matching requests, and their ids. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "count": 2,
                     *       "entries": [
                     *         "req_0123456789abcdef0123456789abcdef",
                     *         "req_00112233445566778899aabbccddeeff"
                     *       ]
                     *     }
                     */
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            /** @description The time is up; near_misses are the most similar entries. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
        };
    };
    redeliverWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The delivery. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            /** @description Unknown delivery. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
        };
    };
    sendWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "type": "batch.completed",
                 *       "data": {
                 *         "id": "batch_abc123"
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["webhook_event"];
            };
        };
        responses: {
            /** @description Its deliveries, one for each endpoint. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
    waitForWebhooks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "type": "batch.completed",
                 *       "timeout": 5
                 *     }
                 */
                "application/json": components["schemas"]["webhook_wait"];
            };
        };
        responses: {
            /** @description The matching deliveries, and their number. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            /** @description The time is up. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["error"];
                };
            };
        };
    };
    setScenario: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "state": "started"
                 *     }
                 */
                "application/json": components["schemas"]["scenario"];
            };
        };
        responses: {
            /** @description The scenarios of the account. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
        };
    };
}

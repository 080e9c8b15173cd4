// The server extension's REST interface.

const PAUSE = 250; // milliseconds between two looks at a job that runs

/** What the server refused, with its advice. */
export class Refusal extends Error {
  constructor(status, answer) {
    super(answer.message || `the server answered ${status}`);
    this.status = status;
    this.details = answer.details || [];
    this.hints = answer.hints || [];
  }
}

/** Requests; the application's settings carry the token and the XSRF cookie. */
export class Server {
  constructor(ServerConnection) {
    this.connection = ServerConnection;
  }

  async ask(path, init) {
    const settings = this.connection.makeSettings();
    const response = await this.connection.makeRequest(settings.baseUrl + 'pixi/' + path, init || {}, settings);
    if (response.status === 204) return {};
    const answer = await response.json().catch(() => ({})); // a proxy's own page is no JSON
    if (!response.ok) throw new Refusal(response.status, answer);
    return answer;
  }

  /** `query` maps names to values; those without a value are left out. */
  get(path, query) {
    const given = Object.entries(query || {}).filter(([, value]) => value !== undefined && value !== null);
    const words = given.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
    return this.ask(words ? `${path}?${words}` : path);
  }

  post(path, body) {
    const json = { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
    return this.ask(path, { method: 'POST', ...(body === undefined ? {} : json) });
  }

  /** Starts a job and follows it to its end; `onStep` sees it each time. Throws `Refusal` where it failed. */
  async run(body, onStep) {
    let job = await this.post('jobs', body);
    while (job.state === 'running') {
      onStep(job);
      await new Promise(resolve => setTimeout(resolve, PAUSE));
      job = await this.get('jobs/' + job.id);
    }
    if (job.state === 'failed') throw new Refusal(0, job.error || { message: job.text || 'the command failed' });
    return job;
  }

  cancel(job) {
    return this.ask('jobs/' + job.id, { method: 'DELETE' });
  }
}

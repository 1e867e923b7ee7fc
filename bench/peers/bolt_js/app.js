// Bolt for JavaScript as documented: ack, then the work, then respond.
import { App, HTTPReceiver } from '@slack/bolt';

const { SLACK_BOT_TOKEN, SLACK_SIGNING_SECRET, SLACK_API_URL, ANCHOR_API_URL, ANCHOR_API_KEY, PORT } = process.env;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const app = new App({
  token: SLACK_BOT_TOKEN,
  clientOptions: { slackApiUrl: SLACK_API_URL },
  receiver: new HTTPReceiver({ signingSecret: SLACK_SIGNING_SECRET }),
});

async function pause(session, user) {
  if (!UUID.test(session)) return { response_type: 'ephemeral', text: 'Usage: /anchor-pause <session id>' };
  const response = await fetch(`${ANCHOR_API_URL}/v1/sessions/${session}/agent/pause`, {
    method: 'POST',
    headers: { 'anchor-api-key': ANCHOR_API_KEY },
  });
  await response.json();
  const text = response.ok ? `Paused by <@${user}>: ${session}` : `Anchor answered ${response.status}: ${session}`;
  return { response_type: 'in_channel', text };
}

app.command('/anchor-pause', async ({ command, ack, respond }) => {
  await ack();
  await respond(await pause(command.text.trim(), command.user_id));
});

await app.start({ port: Number(PORT), host: '127.0.0.1' });

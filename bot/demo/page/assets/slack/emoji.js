// The emoji that people and programs write most, by Slack's names for them. Others stay as they are written.

const NAMES = {
  "+1": "👍", "-1": "👎", thumbsup: "👍", thumbsdown: "👎", ok_hand: "👌", clap: "👏", pray: "🙏", wave: "👋", muscle: "💪",
  raised_hands: "🙌", point_right: "👉", point_left: "👈", point_up: "☝️", point_down: "👇", eyes: "👀", brain: "🧠",
  smile: "😄", slightly_smiling_face: "🙂", grin: "😁", joy: "😂", sweat_smile: "😅", wink: "😉", blush: "😊", sunglasses: "😎",
  thinking_face: "🤔", neutral_face: "😐", confused: "😕", cry: "😢", sob: "😭", scream: "😱", rage: "😡", facepalm: "🤦",
  shrug: "🤷", robot_face: "🤖", ghost: "👻", skull: "💀", tada: "🎉", fire: "🔥", boom: "💥", zap: "⚡", star: "⭐",
  sparkles: "✨", heart: "❤️", green_heart: "💚", blue_heart: "💙", broken_heart: "💔", "100": "💯",
  white_check_mark: "✅", heavy_check_mark: "✔️", ballot_box_with_check: "☑️", x: "❌", negative_squared_cross_mark: "❎",
  heavy_plus_sign: "➕", heavy_minus_sign: "➖", question: "❓", grey_question: "❔", exclamation: "❗", bangbang: "‼️",
  warning: "⚠️", no_entry: "⛔", no_entry_sign: "🚫", octagonal_sign: "🛑", rotating_light: "🚨", construction: "🚧",
  information_source: "ℹ️", bell: "🔔", no_bell: "🔕", loudspeaker: "📢", mega: "📣", speech_balloon: "💬",
  red_circle: "🔴", large_orange_circle: "🟠", large_yellow_circle: "🟡", large_green_circle: "🟢", large_blue_circle: "🔵",
  white_circle: "⚪", black_circle: "⚫", small_blue_diamond: "🔹", small_orange_diamond: "🔸", large_blue_diamond: "🔷",
  red_square: "🟥", green_square: "🟩",
  arrow_forward: "▶️", double_vertical_bar: "⏸️", pause_button: "⏸️", black_square_for_stop: "⏹️", repeat: "🔁",
  arrow_right: "➡️", arrow_left: "⬅️", arrow_up: "⬆️", arrow_down: "⬇️", arrows_counterclockwise: "🔄",
  hourglass: "⌛", hourglass_flowing_sand: "⏳", stopwatch: "⏱️", alarm_clock: "⏰", calendar: "📆", date: "📅",
  chart_with_upwards_trend: "📈", chart_with_downwards_trend: "📉", bar_chart: "📊", mag: "🔍", link: "🔗", lock: "🔒",
  unlock: "🔓", key: "🔑", hammer_and_wrench: "🛠️", wrench: "🔧", gear: "⚙️", bug: "🐛", package: "📦", memo: "📝",
  clipboard: "📋", pushpin: "📌", paperclip: "📎", email: "📧", envelope: "✉️", computer: "💻", globe_with_meridians: "🌐",
  satellite_antenna: "📡", electric_plug: "🔌", battery: "🔋", bulb: "💡", moneybag: "💰", money_with_wings: "💸",
  credit_card: "💳", dollar: "💵", shopping_trolley: "🛒", airplane: "✈️", rocket: "🚀", anchor: "⚓", ship: "🚢", sos: "🆘",
  house: "🏠", office: "🏢", coffee: "☕", beer: "🍺", pizza: "🍕", cake: "🍰", sunny: "☀️", cloud: "☁️", snowflake: "❄️",
};

/** The text with its `:names:` turned into emoji. */
export function withEmoji(text) {
  return text.replace(/:([a-z0-9_+'-]+):/g, (written, name) => (Object.hasOwn(NAMES, name) ? NAMES[name] : written));
}

// Runs one of the scenarios, `node PROGRAM API SCENARIO ARGUMENT`, and prints its result as JSON.

export async function run(scenarios) {
  const [, , api, scenario, argument] = process.argv;
  const result = await scenarios(api)[scenario](argument);
  process.stdout.write(JSON.stringify(result), () => process.exit(0)); // without waiting for kept connections
}

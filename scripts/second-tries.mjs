// A reporter for vitest that names the tests that passed at their second try only.
// They were in time's way, or they show a fault that comes and goes: worth a look.
export default class SecondTries {
  onTestCaseResult(test) {
    const tries = test.diagnostic()?.retryCount ?? 0;
    if (tries === 0 || test.result().state !== "passed") return;
    process.stdout.write(
      `passed at the second try: ${test.module.relativeModuleId}: ${test.name}\n`,
    );
  }
}

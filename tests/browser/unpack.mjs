// Unpacks Chromium into the folder TMPDIR, with the libraries that it needs, and prints where the program is.
// The package unpacks the libraries only where it believes that it runs on Amazon's machines.
process.env.AWS_EXECUTION_ENV = "AWS_Lambda_nodejs22.x";
const { default: chromium } = await import("@sparticuz/chromium");
console.log(await chromium.executablePath());

// Runs cases on the real MicroPython. Input (stdin): {"files": {path: text}, "modules": [name]}.
// Output: one line of JSON, {"module.case": "" or what went wrong}; for "imports" the modules that are missing.
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { loadMicroPython } from "@micropython/micropython-webassembly-pyscript";

const work = JSON.parse(readFileSync(0, "utf-8"));
const printed = [];
const python = await loadMicroPython({
  heapsize: 64 * 1024 * 1024,
  linebuffer: true,
  stdout: (line) => printed.push(line),
  stderr: (line) => printed.push(line),
});
for (const [path, text] of Object.entries(work.files)) {
  python.FS.mkdirTree(dirname(`/case/${path}`));
  python.FS.writeFile(`/case/${path}`, text);
}
python.globals.set("modules", JSON.stringify(work.modules));
python.globals.set("imports", JSON.stringify(work.imports));
python.runPython(`
import io, json, sys
sys.path[:] = ["", ".frozen", "/case"]
import os
os.chdir("/case")
missing = []
for name in json.loads(imports):
    try:
        __import__(name)
    except ImportError:
        missing.append(name)
results = {}
for name in json.loads(modules):
    module = __import__(name)
    for part in name.split(".")[1:]:
        module = getattr(module, part)
    for case in dir(module):
        if case.startswith("case_"):
            try:
                getattr(module, case)()
                said = ""
            except Exception as error:
                stream = io.StringIO()
                sys.print_exception(error, stream)
                said = stream.getvalue()
            results[name + "." + case] = said
print("RESULT " + json.dumps({"version": sys.version, "missing": missing, "results": results}))
`);
process.stdout.write(printed.filter((line) => line.startsWith("RESULT ")).map((line) => line.slice(7)).join("\n"));

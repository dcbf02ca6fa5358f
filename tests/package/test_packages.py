# SPDX-License-Identifier: GPL-3.0-or-later
import json
import os
import re
import unittest
import xml.etree.ElementTree as xml

from packages import SOURCE, archive_folder, clean_root, debian_tree, home, need, packages, run, run_inside

VERSION = re.search(r"project\(Quantoscope VERSION ([0-9.]+)", (SOURCE / "CMakeLists.txt").read_text())[1]


def elf_files(tree):
    for path in sorted(tree.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    yield path


def dynamic(path, kind):
    return re.findall(r"\(" + kind + r"\).*\[(.*)\]", run("readelf", "-d", path).stdout)


class DebianPackage(unittest.TestCase):
    def fields(self, kind):
        return dict(re.findall(r"^ ?([A-Za-z-]+): (.*)$", run("dpkg-deb", "-I", packages()[kind]).stdout, re.MULTILINE))

    def test_says_what_it_is_and_needs(self):
        fields = self.fields("deb")
        self.assertEqual((fields["Package"], fields["Version"], fields["Section"]), ("quantoscope", VERSION, "science"))
        self.assertEqual(fields["Architecture"], run("dpkg", "--print-architecture").stdout.strip())
        self.assertIn("<", fields["Maintainer"])
        needed = {entry.split()[0].split(":")[0] for entry in fields["Depends"].split(", ")}
        # Qt's platform plugins for X11 and for no display are part of libqt6gui6.
        self.assertLessEqual({"libc6", "libstdc++6", "libqt6core6", "libqt6gui6", "libqt6widgets6", "libqt6svg6", "libfmt9", "libtbb12",
                              "libnlopt0", "zlib1g"}, needed)
        self.assertIn("libvulkan1", fields["Recommends"])
        self.assertIn(f"quantoscope (= {VERSION})", self.fields("dev")["Depends"])

    def test_holds_what_a_desktop_looks_for(self):
        listing = run("dpkg-deb", "-c", packages()["deb"]).stdout
        names = set(re.findall(r"\./(\S+)$", listing, re.MULTILINE))
        share = "usr/share/"
        self.assertLessEqual({
            "usr/bin/quantoscope", "usr/bin/qscope", "usr/lib/quantoscope/plugins/libround_to_nearest.so",
            share + "applications/quantoscope.desktop", share + "mime/packages/quantoscope.xml",
            share + "metainfo/quantoscope.metainfo.xml", share + "icons/hicolor/scalable/apps/quantoscope.svg",
            share + "icons/hicolor/256x256/apps/quantoscope.png", share + "icons/hicolor/48x48/apps/quantoscope.png",
            share + "man/man1/quantoscope.1.gz", share + "man/man1/qscope.1.gz", share + "bash-completion/completions/qscope",
            share + "zsh/vendor-completions/_qscope", share + "fish/vendor_completions.d/qscope.fish",
            share + "quantoscope/samples/bard/model.safetensors", share + "quantoscope/samples/circuits/bell.qasm",
            share + "doc/quantoscope/copyright", share + "doc/quantoscope/changelog.gz"}, names)
        self.assertFalse([name for name in names if name.startswith("usr/include")])
        for line in listing.splitlines():
            self.assertRegex(line, r"^[d-]rw.r-.r-. root/root |^lrwxrwxrwx root/root ", "mode or owner")
        developer = run("dpkg-deb", "-c", packages()["dev"]).stdout
        self.assertIn("usr/include/quantoscope/plugins/sdk/method_plugin.h", developer)
        self.assertIn("QuantoscopeConfig.cmake", developer)
        self.assertNotIn("usr/bin", developer)

    def test_finds_its_libraries_and_plugins_wherever_it_lies(self):
        program = debian_tree() / "usr/bin/qscope"
        for path in elf_files(debian_tree()):
            for folder in dynamic(path, "RUNPATH") + dynamic(path, "RPATH"):
                self.assertRegex(folder, r"^\$ORIGIN(/\.\.[^:]*)?$", path)
        plugins = json.loads(run(program, "plugins", "--json").stdout)["plugins"]
        self.assertGreater(len(plugins), 10)
        for plugin in plugins:
            self.assertIn(plugin["state"], ("loaded", "found"), plugin)
            self.assertTrue(plugin["file"].startswith(str(debian_tree())), plugin)


class Desktop(unittest.TestCase):
    def share(self, path):
        return debian_tree() / "usr/share" / path

    def test_entry_is_valid_and_opens_the_types_that_are_declared(self):
        entry = self.share("applications/quantoscope.desktop")
        lines = dict(line.split("=", 1) for line in entry.read_text().splitlines() if "=" in line)
        self.assertEqual(lines["Exec"], "quantoscope %F")
        declared = xml.parse(self.share("mime/packages/quantoscope.xml")).getroot()
        space = "{http://www.freedesktop.org/standards/shared-mime-info}"
        types = {kind.get("type"): {glob.get("pattern") for glob in kind.iter(space + "glob")} for kind in declared.iter(space + "mime-type")}
        self.assertEqual(set().union(*types.values()), {"*.qscope", "*.gguf", "*.safetensors", "*.qasm"})
        self.assertEqual(set(filter(None, lines["MimeType"].split(";"))), set(types))
        about = xml.parse(self.share("metainfo/quantoscope.metainfo.xml")).getroot()
        self.assertEqual({kind.text for kind in about.iter("mediatype")}, set(types))
        self.assertEqual(about.find("launchable").text, entry.name)
        need("desktop-file-validate")
        self.assertEqual(run("desktop-file-validate", entry).stdout, "")

    def test_icons_have_the_size_of_their_folder(self):
        icons = list(self.share("icons/hicolor").glob("*/apps/quantoscope.png"))
        self.assertGreaterEqual(len(icons), 6)
        for icon in icons:
            head = icon.read_bytes()[:24]
            self.assertEqual(head[:8], b"\x89PNG\r\n\x1a\n")
            size = "x".join(str(int.from_bytes(head[at:at + 4], "big")) for at in (16, 20))
            self.assertEqual(size, icon.parent.parent.name)

    def test_manual_describes_every_command_and_option(self):
        command_line = debian_tree() / "usr/bin/qscope"
        page = run("gzip", "-dc", self.share("man/man1/qscope.1.gz")).stdout.replace("\\-", "-")
        overview = run(command_line, "--help").stdout
        commands = re.findall(r"^  ([a-z]+) ", overview.split("Subcommands:")[1], re.MULTILINE)
        self.assertGreater(len(commands), 15)
        self.assertEqual(re.findall(r"^\.SS ([a-z]+)", page, re.MULTILINE), commands)
        for command in commands:
            section = page.split(f"\n.SS {command}")[1].split("\n.S")[0]
            for option in set(re.findall(r"^  (?:-., ?)?(--[a-z-]+)", run(command_line, command, "--help").stdout, re.MULTILINE)) - {"--help"}:
                self.assertIn(option, section, command)
        window = run("gzip", "-dc", self.share("man/man1/quantoscope.1.gz")).stdout.replace("\\-", "-")
        self.assertEqual(set(re.findall(r"--[a-z-]+", window)),
                         set(re.findall(r"--[a-z-]+", run(debian_tree() / "usr/bin/quantoscope", "--help").stdout)))
        need("groff")
        for name in ("qscope", "quantoscope"):
            manual = run("gzip", "-dc", self.share(f"man/man1/{name}.1.gz")).stdout
            self.assertEqual(run("groff", "-man", "-ww", "-z", input=manual).stderr, "", name)


class Completion(unittest.TestCase):
    """What the shells offer behind a line that has been typed."""
    def offers(self, shell, script, line):
        need(shell)
        environment = {"PATH": f"{debian_tree()}/usr/bin:/usr/bin:/bin", "HOME": home(), "LC_ALL": "C.UTF-8"}
        return set(run(shell, *script, cwd=debian_tree(), env=environment | {"LINE": line}).stdout.split())

    def check(self, offers):
        self.assertEqual(offers("qscope simu"), {"simulate"})
        self.assertLessEqual({"--metrics", "--method", "--json"}, offers("qscope compare --"))
        self.assertNotIn("--metrics", offers("qscope --device cpu info --"))
        self.assertIn("rtn", offers("qscope compare -m r"))

    def test_bash(self):
        source = debian_tree() / "usr/share/bash-completion/completions/qscope"
        script = f'. {source}; COMP_WORDS=($LINE); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _qscope; printf "%s\\n" "${{COMPREPLY[@]}}"'
        self.check(lambda line: self.offers("bash", ["-c", script], line))

    def test_fish(self):
        source = debian_tree() / "usr/share/fish/vendor_completions.d/qscope.fish"
        script = f'source {source}; complete --do-complete "$LINE" | string split --fields 1 \\t; true'
        self.check(lambda line: self.offers("fish", ["--no-config", "-c", script], line))

    def test_zsh(self):
        source = debian_tree() / "usr/share/zsh/vendor-completions/_qscope"
        # What zsh's own functions would show, less their choice of what begins with the word.
        script = (f"_describe() {{ print -l -- ${{${{(P)2}}%%:*}} }}; _files() {{ }}; compadd() {{ print -l -- ${{(P)2}} }}; "
                  f"words=(${{=LINE}}); CURRENT=$#words; source {source}")
        self.check(lambda line: {word for word in self.offers("zsh", ["-fc", script], line) if word.startswith(line.split()[-1])})


class Archive(unittest.TestCase):
    def test_brings_every_library_but_the_c_library(self):
        files = list(elf_files(archive_folder()))
        present = {path.name for path in files} | {path.name for path in archive_folder().rglob("*.so*")}
        machine = re.compile(r"(ld-linux.*|lib(c|m|dl|rt|pthread|resolv)\.so\.\d+)")
        for path in files:
            for name in dynamic(path, "NEEDED"):
                self.assertTrue(name in present or machine.fullmatch(name), f"{path.name} needs {name}")
        self.assertFalse([name for name in present if machine.fullmatch(name) or "vulkan" in name])

    def test_brings_licences_and_versions_of_what_is_bundled(self):
        documents = archive_folder() / "share/doc/quantoscope"
        listed = re.findall(r"^\S+ \S+: (\S+)$", (documents / "bundled.txt").read_text(), re.MULTILINE)
        self.assertLessEqual({"libqt6core6", "libstdc++6", "libtbb12", "fonts-dejavu-core"}, set(listed))
        for package in listed:
            self.assertGreater((documents / "bundled" / package / "copyright").stat().st_size, 100, package)
        self.assertTrue((documents / "LICENSE").exists())

    def test_runs_with_nothing_but_the_c_library(self):
        place = "/opt/a folder with spaces/" + archive_folder().name
        sample = place + "/share/quantoscope/samples/bard/model.safetensors"
        done = run_inside(place + "/qscope", "--version")
        self.assertEqual((done.stdout, done.stderr, done.returncode), (f"qscope {VERSION}\n", "", 0))
        done = run_inside(place + "/qscope", "info", sample, "--json")
        self.assertEqual((done.stderr, done.returncode), ("", 0))
        self.assertEqual(len(json.loads(done.stdout)["tensors"]), 57)
        plugins = json.loads(run_inside(place + "/qscope", "plugins", "--json").stdout)["plugins"]
        self.assertGreater(len(plugins), 10)
        self.assertEqual([plugin for plugin in plugins if plugin["state"] not in ("loaded", "found")], [])

    def test_draws_text_with_its_own_fonts(self):
        place = "/opt/a folder with spaces/" + archive_folder().name
        folder = clean_root() / "tmp"
        (folder / "none.conf").write_text("<fontconfig/>")
        pictures = []
        for fonts in ({}, {"FONTCONFIG_FILE": "/tmp/none.conf"}):
            done = run_inside(place + "/qscope", "circuit", place + "/share/quantoscope/samples/circuits/bell.qasm",
                              "--draw", "/tmp/bell.png", environment=fonts)
            self.assertEqual((done.stderr, done.returncode), ("", 0))
            pictures.append((folder / "bell.png").read_bytes())
        self.assertNotEqual(*pictures, "a picture with fonts and one without")

    def test_opens_the_window_on_files(self):
        place = "/opt/a folder with spaces/" + archive_folder().name
        samples = place + "/share/quantoscope/samples"
        done = run_inside(place + "/quantoscope", "--check-start", samples + "/bard/model.safetensors", samples + "/circuits/bell.qasm")
        self.assertEqual((done.stdout, done.stderr, done.returncode), ("", "", 0))
        done = run_inside(place + "/quantoscope", "--check-start", "/nowhere.gguf")
        self.assertEqual((done.stdout, done.returncode), ("", 1))
        self.assertRegex(done.stderr, r"\Aerror: /nowhere\.gguf: [^\n]*\n\Z")

    def test_shows_on_a_display_of_this_machine(self):
        need("xvfb-run")
        environment = {"HOME": home(), "QT_QPA_PLATFORM": "xcb", "PATH": os.environ["PATH"]}
        done = run("xvfb-run", "-a", archive_folder() / "quantoscope", "--check-start", check=False, env=environment)
        self.assertEqual((done.stdout, done.returncode), ("", 0), done.stderr)


if __name__ == "__main__":
    unittest.main()

// SPDX-License-Identifier: GPL-3.0-or-later
// Archives of more than 4 GiB, most of them holes that take no place on the disk.
#include "engine/checkpoint/npy_header.h"
#include "engine/checkpoint/zip_writer.h"
#include "tests/support/array_samples.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <fstream>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;
using namespace std::string_literals;

namespace {

constexpr std::uint64_t kFourGiB = std::uint64_t{1} << 32;

/// Writes text at places that only grow.
class SparseFile {
public:
    explicit SparseFile(const std::filesystem::path& path)
        : m_file(path, std::ios::binary) {}
    [[nodiscard]] std::uint64_t position() { return static_cast<std::uint64_t>(m_file.tellp()); }
    SparseFile& put(std::string_view text) {
        m_file.write(text.data(), static_cast<std::streamsize>(text.size()));
        return *this;
    }
    /// A hole of so many bytes.
    SparseFile& skip(std::uint64_t bytes) {
        m_file.seekp(static_cast<std::streamoff>(bytes), std::ios::cur);
        return *this;
    }
    void close() {
        m_file.close();
        REQUIRE(m_file);
    }

private:
    std::ofstream m_file;
};

std::shared_ptr<const Checkpoint> opened(const CheckpointReader& reader, const std::filesystem::path& path) {
    Diagnostics notes;
    const auto checkpoint = reader.open(path, {}, notes);
    if (!checkpoint) FAIL(describe(checkpoint.error()));
    CHECK(inconsistency(**checkpoint).empty());
    return *checkpoint;
}

std::vector<float> values(const Checkpoint& checkpoint, std::size_t tensor, std::int64_t first, std::size_t count) {
    std::vector<float> found(count);
    REQUIRE(decode(checkpoint.view(tensor), first, std::span(found)));
    return found;
}

} // namespace

TEST_CASE("a NumPy archive with an array of more than 4 GiB and one behind it is written and read rightly") {
    const TemporaryFolder folder;
    const auto path = folder / "large.npz";
    const std::int64_t count = (std::int64_t{1} << 30) + 1000; // in single precision
    const std::string large = npyHeader("<f4", {count}), after = npyHeader("<f4", {3}) + countedFloats(3);
    const std::uint64_t dataBytes = 4 * static_cast<std::uint64_t>(count);
    std::vector<ZipMember> members;
    SparseFile file(path);
    members.push_back({"large.npy", 0, large.size() + dataBytes, 0});
    file.put(zipLocalHeader(members[0])).put(large).put(countedFloats(2)).skip(dataBytes - 20).put(countedFloats(3));
    members.push_back({"after.npy", file.position(), after.size(), zipChecksum(0, std::as_bytes(std::span(after)))});
    CHECK(members[1].offset > kFourGiB);
    file.put(zipLocalHeader(members[1])).put(after);
    file.put(zipDirectory(members, file.position())).close();

    const auto checkpoint = opened(*makeNpyReader(), path);
    REQUIRE(checkpoint->tensors.size() == 2);
    const std::size_t big = *checkpoint->find("large"), small = *checkpoint->find("after");
    CHECK(checkpoint->tensors[big].shape == Shape{count});
    CHECK(values(*checkpoint, big, 0, 3) == std::vector<float>{0, 1, 0});
    CHECK(values(*checkpoint, big, count - 4, 4) == std::vector<float>{0, 0, 1, 2});
    CHECK(values(*checkpoint, small, 0, 3) == std::vector<float>{0, 1, 2});

    // What another reader makes of it.
    const std::string script =
        "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); "
        "assert [(i.filename, i.file_size, i.header_offset) for i in z.infolist()] == "
        "[('large.npy', int(sys.argv[2]), 0), ('after.npy', int(sys.argv[3]), int(sys.argv[4]))]; "
        "assert len(z.read('after.npy')) == int(sys.argv[3])";
    const std::string command = fmt::format(QSCOPE_PYTHON " -B -c \"{}\" '{}' {} {} {}", script, path.string(),
                                            members[0].bytes, members[1].bytes, members[1].offset);
    INFO(command);
    CHECK(std::system(command.c_str()) == 0);
}

TEST_CASE("a PyTorch file with a storage of more than 4 GiB and one behind it is read rightly") {
    // As PyTorch's own zip library writes it: sizes of 0 in local headers, behind which they follow with the content,
    // and a ZIP64 field there for what is large, the offset included.
    const TemporaryFolder folder;
    const auto path = folder / "large.pt";
    const std::int32_t count = (1 << 30) + 1000;
    const std::uint64_t dataBytes = 4 * static_cast<std::uint64_t>(count);
    SparseFile file(path);
    Bytes directory;
    std::uint64_t members = 0;
    const auto add = [&](const std::string& name, std::uint64_t bytes, const auto& content) {
        const std::uint64_t offset = file.position();
        Bytes more;
        if (bytes >= kFourGiB) more.put(bytes).put(bytes);
        if (offset >= kFourGiB) more.put(offset);
        const auto extra = static_cast<std::uint16_t>(more.data.empty() ? 0 : 4 + more.data.size());
        const auto putExtra = [&](Bytes& record) {
            if (extra != 0)
                record.put(std::uint16_t{1}).put(static_cast<std::uint16_t>(more.data.size())).data += more.data;
        };
        constexpr std::uint16_t kVersion = 0, kFlags = 0x808, kStored = 0;
        Bytes local;
        local.put(0x04034b50u).put(kVersion).put(kFlags).put(kStored).put(0u).put(0u).put(0u).put(0u);
        local.put(static_cast<std::uint16_t>(name.size())).put(extra).data += name;
        putExtra(local);
        file.put(local.data);
        content();
        file.put(Bytes().put(0x08074b50u).put(0u).put(bytes).put(bytes).data);
        const auto low = [](std::uint64_t number) {
            return static_cast<std::uint32_t>(std::min<std::uint64_t>(number, 0xFFFFFFFF));
        };
        directory.put(0x02014b50u)
            .put(kVersion)
            .put(kVersion)
            .put(kFlags)
            .put(kStored)
            .put(0u)
            .put(0u)
            .put(low(bytes))
            .put(low(bytes));
        directory.put(static_cast<std::uint16_t>(name.size())).put(extra).zeros(2 + 2 + 2 + 4).put(low(offset)).data +=
            name;
        putExtra(directory);
        ++members;
    };
    const auto text = [&](const std::string& name, const std::string& content) {
        add(name, content.size(), [&] { file.put(content); });
    };
    text("m/data.pkl",
         pickled(pickledDict({{"large", pickledTensor(pickledStorage("FloatStorage", "0", count), 4, {count - 4}, {1})},
                              {"after", pickledTensor(pickledStorage("FloatStorage", "1", 6), 0, {2, 3}, {3, 1})}})));
    add("m/data/0", dataBytes, [&] { file.skip(dataBytes - 12).put(countedFloats(3)); });
    text("m/data/1", countedFloats(6));
    text("m/version", "3\n");
    const std::uint64_t start = file.position(), bytes = directory.data.size();
    CHECK(start > kFourGiB);
    directory.put(0x06064b50u).put(std::uint64_t{44}).put(std::uint16_t{45}).put(std::uint16_t{45}).put(0u).put(0u);
    directory.put(members).put(members).put(bytes).put(start).put(0x07064b50u).put(0u).put(start + bytes).put(1u);
    directory.put(0x06054b50u)
        .put(0u)
        .put(static_cast<std::uint16_t>(members))
        .put(static_cast<std::uint16_t>(members));
    directory.put(static_cast<std::uint32_t>(bytes)).put(0xFFFFFFFFu).put(std::uint16_t{0});
    file.put(directory.data).close();

    const auto checkpoint = opened(*makePytorchReader(), path);
    REQUIRE(checkpoint->tensors.size() == 2);
    CHECK(values(*checkpoint, *checkpoint->find("large"), count - 8, 4) == std::vector<float>{0, 0, 1, 2});
    CHECK(values(*checkpoint, *checkpoint->find("after"), 0, 6) == std::vector<float>{0, 1, 2, 3, 4, 5});
}

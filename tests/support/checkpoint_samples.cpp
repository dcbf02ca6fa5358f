// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/checkpoint_samples.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

namespace qscope::test {

namespace {

std::string countedBytes(std::size_t count) {
    std::string bytes(count, '\0');
    for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<char>(i * 37 + 11);
    return bytes;
}

/// A failed system call in a test's own scaffolding leaves nothing to test.
void must(bool done) {
    if (!done) std::abort();
}

} // namespace

std::string safetensorsFile(std::string_view header, std::size_t dataBytes) {
    Bytes file;
    file.put(static_cast<std::uint64_t>(header.size()));
    file.data += header;
    return file.data + countedBytes(dataBytes);
}

Bytes ggufStart(std::uint64_t tensors, std::uint64_t pairs, std::uint32_t version) {
    Bytes bytes;
    bytes.data = "GGUF";
    bytes.put(version).put(tensors).put(pairs);
    return bytes;
}

Bytes& putGgufTensor(Bytes& bytes, std::string_view name, const std::vector<std::uint64_t>& sizes, std::uint32_t type,
                     std::uint64_t offset) {
    bytes.text(name).put(static_cast<std::uint32_t>(sizes.size()));
    for (const std::uint64_t size : sizes) bytes.put(size);
    return bytes.put(type).put(offset);
}

std::string sampleSafetensors() {
    return safetensorsFile(
        R"({"__metadata__":{"format":"pt","note":"\u00e9"},"a.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
        R"("b":{"shape":[],"dtype":"I64","data_offsets":[24,32]},"c":{"dtype":"BF16","shape":[0,4],"data_offsets":[32,32]},)"
        R"("d":{"data_offsets":[32,35],"dtype":"F4","shape":[3,2]}}   )",
        35);
}

std::string sampleGguf() {
    Bytes bytes = ggufStart(3, 16);
    bytes.text("general.architecture").put(8u).text("llama");
    bytes.text("general.alignment").put(4u).put(64u);
    bytes.text("t.u8").put(0u).put(std::uint8_t{200});
    bytes.text("t.i8").put(1u).put(std::int8_t{-100});
    bytes.text("t.u16").put(2u).put(std::uint16_t{60000});
    bytes.text("t.i16").put(3u).put(std::int16_t{-30000});
    bytes.text("t.i32").put(5u).put(std::int32_t{-2'000'000'000});
    bytes.text("t.f32").put(6u).put(0.1f);
    bytes.text("t.bool").put(7u).put(std::uint8_t{1});
    bytes.text("t.u64").put(10u).put(std::uint64_t{1} << 63);
    bytes.text("t.i64").put(11u).put(std::int64_t{-5'000'000'000});
    bytes.text("t.f64").put(12u).put(0.1);
    bytes.text("t.texts").put(9u).put(8u).put(std::uint64_t{2}).text("one").text("");
    bytes.text("t.numbers").put(9u).put(3u).put(std::uint64_t{3}).put(std::int16_t{-1}).put(std::int16_t{0}).put(
        std::int16_t{1});
    bytes.text("t.flags").put(9u).put(7u).put(std::uint64_t{2}).put(std::uint8_t{1}).put(std::uint8_t{0});
    bytes.text("llama.embedding_length").put(4u).put(32u);
    putGgufTensor(bytes, "token_embd.weight", {32, 3}, 8, 0); // Q8_0: three blocks of 34 bytes
    putGgufTensor(bytes, "blk.0.attn_norm.weight", {5}, 0, 128);
    putGgufTensor(bytes, "output.weight", {2, 2}, 30, 192);
    bytes.alignTo(64);
    const std::size_t start = bytes.data.size();
    bytes.data += countedBytes(102);
    bytes.alignTo(64);
    bytes.data += countedBytes(20);
    bytes.alignTo(64);
    bytes.data += countedBytes(8);
    must(bytes.data.size() == start + 200);
    return bytes.data;
}

std::string sampleImportanceGguf() {
    Bytes bytes = ggufStart(4, 4);
    bytes.text("general.type").put(8u).text("imatrix");
    bytes.text("imatrix.datasets").put(9u).put(8u).put(std::uint64_t{2}).text("one.txt").text("two.txt");
    bytes.text("imatrix.chunk_count").put(4u).put(3u);
    bytes.text("imatrix.chunk_size").put(4u).put(4u);
    putGgufTensor(bytes, "blk.0.ffn_up.weight.in_sum2", {3, 1}, 0, 0);
    putGgufTensor(bytes, "blk.0.ffn_up.weight.counts", {1, 1}, 0, 32);
    putGgufTensor(bytes, "blk.1.ffn_up_exps.weight.in_sum2", {2, 2}, 0, 64);
    putGgufTensor(bytes, "blk.1.ffn_up_exps.weight.counts", {1, 2}, 0, 96);
    bytes.alignTo(32);
    bytes.put(12.f).put(24.f).put(6.f).alignTo(32);
    bytes.put(12.f).alignTo(32);
    bytes.put(8.f).put(2.f).put(0.f).put(0.f).alignTo(32);
    bytes.put(8.f).put(0.f).alignTo(32);
    return bytes.data;
}

std::string sampleImportanceDat() {
    const auto shortText = [](Bytes& bytes, std::string_view text) {
        bytes.put(static_cast<std::int32_t>(text.size()));
        bytes.data += text;
    };
    Bytes bytes;
    bytes.put(2);
    shortText(bytes, "blk.0.ffn_up.weight");
    bytes.put(3).put(3).put(3.f).put(6.f).put(1.5f); // the means 1, 2 and 1/2, three times
    shortText(bytes, "blk.1.ffn_up_exps.weight");
    bytes.put(2).put(4).put(2.f).put(0.5f).put(2.f).put(2.f);
    bytes.put(3);
    shortText(bytes, "two.txt");
    return bytes.data;
}

std::string llama2cFile(const std::vector<std::int32_t>& header, int version) {
    const std::int64_t dim = header[0], hidden = header[1], layers = header[2], heads = header[3], kvHeads = header[4];
    const std::int64_t vocabulary = std::abs(header[5]), context = header[6], keys = kvHeads * dim / heads;
    const std::int64_t norms = dim * (2 * layers + 1), tables = context * dim / heads, output = header[5] < 0 ? vocabulary * dim : 0;
    std::vector<std::int64_t> matrices{vocabulary * dim};
    for (const std::int64_t size : {dim * dim, keys * dim, keys * dim, dim * dim, dim * hidden, dim * hidden, dim * hidden})
        matrices.insert(matrices.end(), static_cast<std::size_t>(layers), size);
    matrices.push_back(output);
    Bytes bytes;
    if (version > 0) bytes.put(0x616b3432u).put(version);
    for (std::size_t i = 0; i < header.size(); ++i) bytes.put(version > 0 && i == 5 ? std::abs(header[i]) : header[i]);
    if (version > 0) bytes.put(static_cast<std::uint8_t>(output == 0));
    if (version == 2) bytes.put(4); // codes per scale
    if (version > 0) bytes.zeros(256 - bytes.data.size());
    std::int64_t place = 0;
    const auto putFloats = [&](std::int64_t count) {
        for (const std::int64_t end = place + count; place < end; ++place) bytes.put(static_cast<float>(place) / 64);
    };
    putFloats(norms + (version == 0 ? tables : 0)); // in version 0 elsewhere, but all count on
    for (const std::int64_t size : matrices) {
        if (version < 2) {
            putFloats(size);
            continue;
        }
        for (std::int64_t i = 0; i < size; ++i) bytes.put(static_cast<std::int8_t>(llama2cCode(place + i)));
        for (std::int64_t i = 0; i < size; i += 4) bytes.put(llama2cScale(place + i));
        place += size;
    }
    return bytes.data;
}

std::string sampleLlama2c() { return llama2cFile({8, 12, 2, 2, 1, -5, 3}); }

MemoryFile::MemoryFile(std::string_view bytes) : m_descriptor(::memfd_create("qscope-test", MFD_CLOEXEC)) {
    must(m_descriptor >= 0);
    overwrite(0, bytes);
}

MemoryFile::~MemoryFile() { ::close(m_descriptor); }

std::filesystem::path MemoryFile::path() const { return "/proc/self/fd/" + std::to_string(m_descriptor); }

void MemoryFile::overwrite(std::size_t offset, std::string_view bytes) {
    must(::pwrite(m_descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset)) ==
         static_cast<ssize_t>(bytes.size()));
}

void MemoryFile::truncate(std::size_t size) { must(::ftruncate(m_descriptor, static_cast<off_t>(size)) == 0); }

Result<std::shared_ptr<const engine::Checkpoint>> openBytes(const engine::CheckpointReader& reader, std::string_view bytes) {
    const MemoryFile file(bytes);
    Diagnostics notes;
    return reader.open(file.path(), {}, notes);
}

std::string inconsistency(const engine::Checkpoint& checkpoint) {
    for (std::size_t i = 0; i < checkpoint.tensors.size(); ++i) {
        const engine::TensorInfo& tensor = checkpoint.tensors[i];
        if (tensor.partOf && (*tensor.partOf >= checkpoint.tensors.size() || checkpoint.tensors[*tensor.partOf].partOf))
            return "a part of no tensor";
        std::uint64_t elements = 1;
        for (const std::int64_t size : tensor.shape)
            if (size < 0 || __builtin_mul_overflow(elements, static_cast<std::uint64_t>(size), &elements))
                return "an impossible shape";
        if (checkpoint.find(tensor.name) != i) return "a name that is not found";
        if ((tensor.dtype == DType::Coded) != (tensor.source != nullptr)) return "a source and a type at odds";
        if (tensor.source) {
            if (elements > 1 << 16) continue;
            // Values that cannot be read are no inconsistency: what is packed may be damaged.
            const auto plain = engine::contiguous(checkpoint.view(i));
            if (plain && (plain->shape != tensor.shape || storedBytes(plain->dtype, elements) != plain->bytes.size()))
                return "values of another size";
            continue;
        }
        if (tensor.file >= checkpoint.files.size()) return "no such file";
        const auto file = checkpoint.files[tensor.file]->bytes();
        if (tensor.offset > file.size() || tensor.bytes > file.size() - tensor.offset) return "outside its file";
        if (storedBytes(tensor.dtype, elements) != tensor.bytes) return "a size that does not follow from type and shape";
        if (checkpoint.view(i).bytes.size() != tensor.bytes) return "a view of another size";
    }
    return {};
}

} // namespace qscope::test

#include "hourglass/model/model_file.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "hourglass/model/safetensors.h"
#include "support/error_text.h"
#include "support/temp_folder.h"
#include "test_model.h"

namespace hourglass {
namespace {

using test::error_text;
using test::file_bytes;
using test::ids_of;
using test::put_bytes;
using test::TempFolder;
using test::test_model;

void expect_equal(const Model& a, const Model& b) {
  EXPECT_EQ(a.shape, b.shape);
  EXPECT_EQ(a.weights, b.weights);
  EXPECT_EQ(a.biases, b.biases);
  EXPECT_EQ(a.column_ids, b.column_ids);
  EXPECT_EQ(a.objective, b.objective);
  EXPECT_EQ(a.training, b.training);
}

TEST(ModelFile, ComesBackAsItWas) {
  const TempFolder folder;
  for (const NetworkShape& shape :
       {NetworkShape{.n_columns = 11, .hidden = {5, 3}, .bottleneck = 2},
        NetworkShape{.n_columns = 1, .hidden = {}, .bottleneck = 1},
        NetworkShape{.n_columns = 257, .hidden = {33}, .bottleneck = 40}}) {
    Model model = test_model(shape);
    model.objective = "observed";
    model.training = {{"epochs", 17}, {"loss", 0.25}, {"seed", 42}};
    save_model(folder / "m.safetensors", model);
    expect_equal(load_model(folder / "m.safetensors"), model);
  }
}

TEST(ModelFile, KeepsIdsThatAreNotUtf8) {
  const TempFolder folder;
  Model model = test_model({.n_columns = 3, .hidden = {}, .bottleneck = 1});
  model.column_ids = ids_of({"007", "B\xfc", ""});
  model.training["file"] = "B\xfc.csv";  // a path may be no UTF-8 either; it is only told
  save_model(folder / "m", model);
  EXPECT_EQ(load_model(folder / "m").column_ids, model.column_ids);
}

TEST(ModelFile, EveryChangedByteAndEveryTruncationIsFound) {
  const TempFolder folder;
  save_model(folder / "m", test_model({.n_columns = 2, .hidden = {}, .bottleneck = 1}));
  const std::string good = file_bytes(folder / "m");
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
    put_bytes(folder / "m", bad);
    error_text([&] { load_model(folder / "m"); });
    put_bytes(folder / "m", good.substr(0, i));
    error_text([&] { load_model(folder / "m"); });
  }
}

TEST(ModelFile, RefusesModelsThatAreNotTheirShape) {
  const TempFolder folder;
  const Model good = test_model({.n_columns = 4, .hidden = {3}, .bottleneck = 2});
  Model bad = good;
  bad.weights[1].pop_back();
  EXPECT_THROW(save_model(folder / "m", bad), std::invalid_argument);
  bad = good;
  bad.biases.pop_back();
  EXPECT_THROW(save_model(folder / "m", bad), std::invalid_argument);
  bad = good;
  bad.column_ids.add("one more");
  EXPECT_THROW(save_model(folder / "m", bad), std::invalid_argument);
  bad = good;
  bad.objective = "some";
  EXPECT_THROW(save_model(folder / "m", bad), std::invalid_argument);
  EXPECT_FALSE(std::filesystem::exists(folder / "m"));
}

/// load_model's refusal of a file of ours (its checksum is right) with other metadata.
std::string refusal(Metadata changes) {
  const TempFolder folder;
  const Model model = test_model({.n_columns = 2, .hidden = {}, .bottleneck = 1});
  save_model(folder / "good", model);
  Metadata metadata = SafetensorsFile(folder / "good").metadata();
  metadata.erase("sha256");
  for (const auto& [key, value] : changes) {
    metadata.erase(key);
    if (value != "ABSENT") metadata.emplace(key, value);
  }
  const std::vector<TensorView> tensors = {{"encoder.0.weight", {1, 2}, model.weights[0]},
                                           {"encoder.0.bias", {1}, model.biases[0]},
                                           {"decoder.0.weight", {2, 1}, model.weights[1]},
                                           {"decoder.0.bias", {2}, model.biases[1]}};
  save_safetensors(folder / "m", tensors, metadata);
  if (changes.empty()) {
    expect_equal(load_model(folder / "m"), model);
    return {};
  }
  const std::string text = error_text([&] { load_model(folder / "m"); });
  EXPECT_TRUE(text.starts_with((folder / "m").string() + ": ")) << text;
  return text;
}

TEST(ModelFile, RefusesOtherMetadata) {
  refusal({});
  for (const char* key : {"hourglass_model", "network", "objective", "training", "column_ids"}) {
    EXPECT_NE(refusal({{key, "ABSENT"}}).find(std::string("no metadata \"") + key),
              std::string::npos);
    refusal({{key, ""}});
    refusal({{key, "null"}});
    refusal({{key, "["}});
    refusal({{key, std::string(1'000'000, '[')}});
    refusal({{key, std::string("{}\0", 3)}});
  }
  EXPECT_NE(refusal({{"hourglass_model", "2"}}).find("another version"), std::string::npos);
  EXPECT_NE(refusal({{"objective", "none"}}).find("unknown objective \"none\""), std::string::npos);
  EXPECT_NE(refusal({{"column_ids", R"(["a"])"}}).find("1 column ids for 2 columns"),
            std::string::npos);
  refusal({{"network", R"({"n_columns":2,"hidden":[],"bottleneck":0})"}});
  refusal({{"training", "{\"a\":" + std::string(40, '[') + std::string(40, ']') + "}"}});
  // A network of two billion columns that the tensors do not bear out: refused, not allocated.
  refusal({{"network", R"({"n_columns":2000000000,"hidden":[1048576],"bottleneck":2})"}});
}

TEST(ModelFile, RefusesWeightsThatAreNotFinite) {
  const TempFolder folder;
  for (const float bad :
       {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
        std::numeric_limits<float>::quiet_NaN()}) {
    Model model = test_model({.n_columns = 2, .hidden = {}, .bottleneck = 1});
    model.weights[1].back() = bad;
    save_model(folder / "m", model);
    EXPECT_NE(error_text([&] {
                load_model(folder / "m");
              }).find("m: decoder.0.weight has values that are not finite"),
              std::string::npos);
    model = test_model({.n_columns = 2, .hidden = {}, .bottleneck = 1});
    model.biases[0].front() = bad;
    save_model(folder / "m", model);
    EXPECT_NE(error_text([&] {
                load_weights(folder / "m", model.shape, model.column_ids);
              }).find("encoder.0.bias has values that are not finite"),
              std::string::npos);
  }
}

TEST(LoadWeights, NamesEveryMismatchAtOnce) {
  const TempFolder folder;
  const std::vector<float> floats(100, 1.0f);
  const std::vector<double> doubles(100, 1.0);
  const auto some = [](const auto& values, std::size_t n) { return std::span(values).first(n); };
  const std::vector<TensorView> tensors = {{"encoder.0.weight", {3, 5}, some(floats, 15)},
                                           {"encoder.0.bias", {3}, some(doubles, 3)},
                                           {"encoder.2.weight", {3, 2}, some(doubles, 6)},
                                           {"decoder.0.weight", {3, 2}, some(floats, 6)},
                                           {"decoder.0.bias", {3}, some(floats, 3)},
                                           {"decoder.2.weight", {4, 3}, some(floats, 12)},
                                           {"decoder.2.bias", {4}, some(floats, 4)},
                                           {"decoder.4\n.bias", {4, 1}, some(floats, 4)}};
  save_safetensors(folder / "w", tensors, {});
  const std::string text = error_text(
      [&] { load_weights(folder / "w", {.n_columns = 4, .hidden = {3}, .bottleneck = 2}, {}); });
  EXPECT_EQ(text, (folder / "w").string() +
                      ": does not fit the network 4 - 3 - 2 - 3 - 4: "
                      "encoder.0.weight is [3, 5], expected [3, 4], "
                      "encoder.0.bias is of F64, expected F32, "
                      "encoder.2.weight is [3, 2], expected [2, 3], "
                      "encoder.2.weight is of F64, expected F32, "
                      "encoder.2.bias [2] is missing, "
                      "\"decoder.4\\n.bias\" [4, 1] is unexpected; "
                      "use weights of that network, or the options of these weights");
}

TEST(LoadWeights, TakesAModelOfOursForTheSameColumns) {
  const TempFolder folder;
  const Model model = test_model({.n_columns = 3, .hidden = {2}, .bottleneck = 1});
  save_model(folder / "m", model);
  const Model read = load_weights(folder / "m", model.shape, model.column_ids);
  EXPECT_EQ(read.weights, model.weights);
  EXPECT_EQ(read.biases, model.biases);
  EXPECT_EQ(read.column_ids, model.column_ids);

  // The same columns in another order would silently give each the weights of another.
  const std::string text = error_text([&] {
    load_weights(folder / "m", model.shape, ids_of({"id0", "id2", "id1"}));
  });
  EXPECT_NE(text.find("its column 2 is \"id1\", the data's is \"id2\""), text.npos) << text;
}

TEST(ColumnIdsFit, RefusesWhatSaveModelWould) {
  IdList ids;
  const std::string id(1'000'000, '"');  // each a backslash more, and both escaped again
  for (int i = 0; i < 24; ++i) ids.add(id);
  check_column_ids_fit("m", ids);
  ids.add(id);
  EXPECT_NE(error_text([&] { check_column_ids_fit("m", ids); }).find("use shorter ids"),
            std::string::npos);
}

}  // namespace
}  // namespace hourglass

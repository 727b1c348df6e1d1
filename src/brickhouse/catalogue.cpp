// Products and brands are invented, so no price or order can be taken for a real firm's. Stores take the
// cities in this order, which visits the regions in turn: a small book covers them all.
#include "pgtraffic/brickhouse/catalogue.hpp"

#include <array>

namespace pgtraffic::brickhouse {
namespace {

constexpr auto kProducts = std::to_array<Product>({
    {"Copper Kettle Classic Cola", "Copper Kettle", "Cola", "24 x 355 ml can", 1499, 1899},
    {"Copper Kettle Cherry Cola", "Copper Kettle", "Cola", "24 x 355 ml can", 1499, 1899},
    {"Copper Kettle Vanilla Cola", "Copper Kettle", "Cola", "24 x 355 ml can", 1499, 1899},
    {"Copper Kettle Zero Cola", "Copper Kettle", "Cola", "24 x 355 ml can", 1499, 1899},
    {"Copper Kettle Lime Cola", "Copper Kettle", "Cola", "24 x 355 ml can", 1499, 1899},
    {"Brickhouse Old Recipe Cola", "Brickhouse", "Cola", "24 x 330 ml glass bottle", 2199, 2699},
    {"Brickhouse Cane Sugar Cola", "Brickhouse", "Cola", "24 x 330 ml glass bottle", 2199, 2699},
    {"Brickhouse Spiced Cola", "Brickhouse", "Cola", "24 x 330 ml glass bottle", 2199, 2699},
    {"Brickhouse Orange Cola", "Brickhouse", "Cola", "24 x 330 ml glass bottle", 2199, 2699},
    {"Brickhouse Midnight Cola", "Brickhouse", "Cola", "24 x 330 ml glass bottle", 2199, 2699},
    {"Fizzleby Lemon-Lime", "Fizzleby", "Lemon-Lime Soda", "24 x 355 ml can", 1399, 1799},
    {"Fizzleby Lemon-Lime Zero", "Fizzleby", "Lemon-Lime Soda", "24 x 355 ml can", 1399, 1799},
    {"Fizzleby Key Lime", "Fizzleby", "Lemon-Lime Soda", "24 x 355 ml can", 1399, 1799},
    {"Fizzleby Citrus Burst", "Fizzleby", "Lemon-Lime Soda", "24 x 355 ml can", 1399, 1799},
    {"Fizzleby Tart Lemon", "Fizzleby", "Lemon-Lime Soda", "24 x 355 ml can", 1399, 1799},
    {"Brickhouse Twisted Lime", "Brickhouse", "Lemon-Lime Soda", "12 x 500 ml bottle", 1299, 1699},
    {"Brickhouse Yuzu Lime", "Brickhouse", "Lemon-Lime Soda", "12 x 500 ml bottle", 1299, 1699},
    {"Brickhouse Lemon Verbena Soda", "Brickhouse", "Lemon-Lime Soda", "12 x 500 ml bottle", 1299, 1699},
    {"Brickhouse Grapefruit Lime", "Brickhouse", "Lemon-Lime Soda", "12 x 500 ml bottle", 1299, 1699},
    {"Brickhouse Light Lime", "Brickhouse", "Lemon-Lime Soda", "12 x 500 ml bottle", 1299, 1699},
    {"Old Mason Root Beer", "Old Mason", "Root Beer", "24 x 355 ml can", 1499, 1999},
    {"Old Mason Diet Root Beer", "Old Mason", "Root Beer", "24 x 355 ml can", 1499, 1999},
    {"Old Mason Vanilla Root Beer", "Old Mason", "Root Beer", "24 x 355 ml can", 1499, 1999},
    {"Old Mason Birch Beer", "Old Mason", "Root Beer", "24 x 355 ml can", 1499, 1999},
    {"Old Mason Sarsaparilla", "Old Mason", "Root Beer", "24 x 355 ml can", 1499, 1999},
    {"Brickhouse Barrel Root Beer", "Brickhouse", "Root Beer", "12 x 355 ml glass bottle", 1599, 2099},
    {"Brickhouse Maple Root Beer", "Brickhouse", "Root Beer", "12 x 355 ml glass bottle", 1599, 2099},
    {"Brickhouse Float Root Beer", "Brickhouse", "Root Beer", "12 x 355 ml glass bottle", 1599, 2099},
    {"Brickhouse Wintergreen Root Beer", "Brickhouse", "Root Beer", "12 x 355 ml glass bottle", 1599, 2099},
    {"Brickhouse Honey Root Beer", "Brickhouse", "Root Beer", "12 x 355 ml glass bottle", 1599, 2099},
    {"Gable & Rye Dry Ginger Ale", "Gable & Rye", "Ginger Ale", "24 x 222 ml can", 1699, 2199},
    {"Gable & Rye Golden Ginger Ale", "Gable & Rye", "Ginger Ale", "24 x 222 ml can", 1699, 2199},
    {"Gable & Rye Ginger Beer", "Gable & Rye", "Ginger Ale", "24 x 222 ml can", 1699, 2199},
    {"Gable & Rye Hot Ginger Beer", "Gable & Rye", "Ginger Ale", "24 x 222 ml can", 1699, 2199},
    {"Gable & Rye Diet Ginger Ale", "Gable & Rye", "Ginger Ale", "24 x 222 ml can", 1699, 2199},
    {"Brickhouse Pale Ginger Ale", "Brickhouse", "Ginger Ale", "12 x 355 ml can", 999, 1399},
    {"Brickhouse Cranberry Ginger Ale", "Brickhouse", "Ginger Ale", "12 x 355 ml can", 999, 1399},
    {"Brickhouse Peach Ginger Ale", "Brickhouse", "Ginger Ale", "12 x 355 ml can", 999, 1399},
    {"Brickhouse Lemon Ginger Ale", "Brickhouse", "Ginger Ale", "12 x 355 ml can", 999, 1399},
    {"Brickhouse Green Tea Ginger Ale", "Brickhouse", "Ginger Ale", "12 x 355 ml can", 999, 1399},
    {"Clearmortar Sparkling Plain", "Clearmortar", "Sparkling Water", "24 x 355 ml can", 1199, 1599},
    {"Clearmortar Sparkling Lime", "Clearmortar", "Sparkling Water", "24 x 355 ml can", 1199, 1599},
    {"Clearmortar Sparkling Grapefruit", "Clearmortar", "Sparkling Water", "24 x 355 ml can", 1199, 1599},
    {"Clearmortar Sparkling Black Cherry", "Clearmortar", "Sparkling Water", "24 x 355 ml can", 1199, 1599},
    {"Clearmortar Sparkling Cucumber", "Clearmortar", "Sparkling Water", "24 x 355 ml can", 1199, 1599},
    {"Brickhouse Spring Sparkling", "Brickhouse", "Sparkling Water", "12 x 750 ml glass bottle", 1899, 2499},
    {"Brickhouse Mineral Sparkling", "Brickhouse", "Sparkling Water", "12 x 750 ml glass bottle", 1899, 2499},
    {"Brickhouse Lemon Sparkling", "Brickhouse", "Sparkling Water", "12 x 750 ml glass bottle", 1899, 2499},
    {"Brickhouse Berry Sparkling", "Brickhouse", "Sparkling Water", "12 x 750 ml glass bottle", 1899, 2499},
    {"Brickhouse Mint Sparkling", "Brickhouse", "Sparkling Water", "12 x 750 ml glass bottle", 1899, 2499},
    {"Porchlight Sweet Tea", "Porchlight", "Iced Tea", "12 x 500 ml bottle", 1399, 1799},
    {"Porchlight Unsweetened Black Tea", "Porchlight", "Iced Tea", "12 x 500 ml bottle", 1399, 1799},
    {"Porchlight Lemon Tea", "Porchlight", "Iced Tea", "12 x 500 ml bottle", 1399, 1799},
    {"Porchlight Peach Tea", "Porchlight", "Iced Tea", "12 x 500 ml bottle", 1399, 1799},
    {"Porchlight Raspberry Tea", "Porchlight", "Iced Tea", "12 x 500 ml bottle", 1399, 1799},
    {"Brickhouse Green Tea", "Brickhouse", "Iced Tea", "12 x 473 ml can", 1299, 1699},
    {"Brickhouse Jasmine Tea", "Brickhouse", "Iced Tea", "12 x 473 ml can", 1299, 1699},
    {"Brickhouse Hibiscus Tea", "Brickhouse", "Iced Tea", "12 x 473 ml can", 1299, 1699},
    {"Brickhouse Half & Half Tea", "Brickhouse", "Iced Tea", "12 x 473 ml can", 1299, 1699},
    {"Brickhouse Mint Tea", "Brickhouse", "Iced Tea", "12 x 473 ml can", 1299, 1699},
    {"Night Foundry Black Cold Brew", "Night Foundry", "Cold Brew Coffee", "12 x 325 ml can", 2499, 3199},
    {"Night Foundry Oat Latte", "Night Foundry", "Cold Brew Coffee", "12 x 325 ml can", 2499, 3199},
    {"Night Foundry Mocha", "Night Foundry", "Cold Brew Coffee", "12 x 325 ml can", 2499, 3199},
    {"Night Foundry Vanilla Latte", "Night Foundry", "Cold Brew Coffee", "12 x 325 ml can", 2499, 3199},
    {"Night Foundry Nitro Cold Brew", "Night Foundry", "Cold Brew Coffee", "12 x 325 ml can", 2499, 3199},
    {"Brickhouse House Blend Cold Brew", "Brickhouse", "Cold Brew Coffee", "8 x 414 ml glass bottle", 1999,
     2799},
    {"Brickhouse Dark Roast Cold Brew", "Brickhouse", "Cold Brew Coffee", "8 x 414 ml glass bottle", 1999,
     2799},
    {"Brickhouse Caramel Cold Brew", "Brickhouse", "Cold Brew Coffee", "8 x 414 ml glass bottle", 1999, 2799},
    {"Brickhouse Hazelnut Cold Brew", "Brickhouse", "Cold Brew Coffee", "8 x 414 ml glass bottle", 1999,
     2799},
    {"Brickhouse Decaf Cold Brew", "Brickhouse", "Cold Brew Coffee", "8 x 414 ml glass bottle", 1999, 2799},
    {"Sunny Lintel Classic Lemonade", "Sunny Lintel", "Lemonade", "12 x 500 ml bottle", 1299, 1699},
    {"Sunny Lintel Pink Lemonade", "Sunny Lintel", "Lemonade", "12 x 500 ml bottle", 1299, 1699},
    {"Sunny Lintel Strawberry Lemonade", "Sunny Lintel", "Lemonade", "12 x 500 ml bottle", 1299, 1699},
    {"Sunny Lintel Light Lemonade", "Sunny Lintel", "Lemonade", "12 x 500 ml bottle", 1299, 1699},
    {"Sunny Lintel Blueberry Lemonade", "Sunny Lintel", "Lemonade", "12 x 500 ml bottle", 1299, 1699},
    {"Brickhouse Cloudy Lemonade", "Brickhouse", "Lemonade", "8 x 1 l bottle", 1599, 1999},
    {"Brickhouse Lavender Lemonade", "Brickhouse", "Lemonade", "8 x 1 l bottle", 1599, 1999},
    {"Brickhouse Mango Lemonade", "Brickhouse", "Lemonade", "8 x 1 l bottle", 1599, 1999},
    {"Brickhouse Ginger Lemonade", "Brickhouse", "Lemonade", "8 x 1 l bottle", 1599, 1999},
    {"Brickhouse Watermelon Lemonade", "Brickhouse", "Lemonade", "8 x 1 l bottle", 1599, 1999},
    {"Rampart Lemon Ice", "Rampart", "Sports Drink", "12 x 591 ml bottle", 1499, 1899},
    {"Rampart Blue Raspberry", "Rampart", "Sports Drink", "12 x 591 ml bottle", 1499, 1899},
    {"Rampart Fruit Punch", "Rampart", "Sports Drink", "12 x 591 ml bottle", 1499, 1899},
    {"Rampart Orange", "Rampart", "Sports Drink", "12 x 591 ml bottle", 1499, 1899},
    {"Rampart Glacier Cherry", "Rampart", "Sports Drink", "12 x 591 ml bottle", 1499, 1899},
    {"Brickhouse Active Citrus", "Brickhouse", "Sports Drink", "24 x 500 ml bottle", 2199, 2799},
    {"Brickhouse Active Berry", "Brickhouse", "Sports Drink", "24 x 500 ml bottle", 2199, 2799},
    {"Brickhouse Active Coconut", "Brickhouse", "Sports Drink", "24 x 500 ml bottle", 2199, 2799},
    {"Brickhouse Active Zero Lime", "Brickhouse", "Sports Drink", "24 x 500 ml bottle", 2199, 2799},
    {"Brickhouse Active Apple", "Brickhouse", "Sports Drink", "24 x 500 ml bottle", 2199, 2799},
    {"Voltwright Original", "Voltwright", "Energy Drink", "24 x 250 ml can", 2999, 3899},
    {"Voltwright Sugar Free", "Voltwright", "Energy Drink", "24 x 250 ml can", 2999, 3899},
    {"Voltwright Tropical", "Voltwright", "Energy Drink", "24 x 250 ml can", 2999, 3899},
    {"Voltwright Sour Apple", "Voltwright", "Energy Drink", "24 x 250 ml can", 2999, 3899},
    {"Voltwright White Peach", "Voltwright", "Energy Drink", "24 x 250 ml can", 2999, 3899},
    {"Brickhouse Charge Citrus", "Brickhouse", "Energy Drink", "12 x 473 ml can", 2399, 2999},
    {"Brickhouse Charge Berry", "Brickhouse", "Energy Drink", "12 x 473 ml can", 2399, 2999},
    {"Brickhouse Charge Mango", "Brickhouse", "Energy Drink", "12 x 473 ml can", 2399, 2999},
    {"Brickhouse Charge Zero", "Brickhouse", "Energy Drink", "12 x 473 ml can", 2399, 2999},
    {"Brickhouse Charge Guarana", "Brickhouse", "Energy Drink", "12 x 473 ml can", 2399, 2999},
});

constexpr auto kCities = std::to_array<City>({
    {"Columbus", "OH", "432", "Midwest"},        {"Boston", "MA", "021", "Northeast"},
    {"Washington", "DC", "200", "Mid-Atlantic"}, {"Atlanta", "GA", "303", "Southeast"},
    {"Chicago", "IL", "606", "Midwest"},         {"Dallas", "TX", "752", "Southwest"},
    {"Denver", "CO", "802", "Mountain"},         {"Los Angeles", "CA", "900", "Pacific"},
    {"New York", "NY", "100", "Northeast"},      {"Baltimore", "MD", "212", "Mid-Atlantic"},
    {"Charlotte", "NC", "282", "Southeast"},     {"Detroit", "MI", "482", "Midwest"},
    {"Houston", "TX", "770", "Southwest"},       {"Salt Lake City", "UT", "841", "Mountain"},
    {"San Francisco", "CA", "941", "Pacific"},   {"Philadelphia", "PA", "191", "Northeast"},
    {"Richmond", "VA", "232", "Mid-Atlantic"},   {"Raleigh", "NC", "276", "Southeast"},
    {"Cleveland", "OH", "441", "Midwest"},       {"Austin", "TX", "787", "Southwest"},
    {"Boise", "ID", "837", "Mountain"},          {"Seattle", "WA", "981", "Pacific"},
    {"Pittsburgh", "PA", "152", "Northeast"},    {"Wilmington", "DE", "198", "Mid-Atlantic"},
    {"Nashville", "TN", "372", "Southeast"},     {"Indianapolis", "IN", "462", "Midwest"},
    {"San Antonio", "TX", "782", "Southwest"},   {"Las Vegas", "NV", "891", "Mountain"},
    {"Portland", "OR", "972", "Pacific"},        {"Providence", "RI", "029", "Northeast"},
    {"Charleston", "WV", "253", "Mid-Atlantic"}, {"Memphis", "TN", "381", "Southeast"},
    {"Milwaukee", "WI", "532", "Midwest"},       {"Oklahoma City", "OK", "731", "Southwest"},
    {"Hartford", "CT", "061", "Northeast"},      {"Norfolk", "VA", "235", "Mid-Atlantic"},
    {"Miami", "FL", "331", "Southeast"},         {"Minneapolis", "MN", "554", "Midwest"},
    {"Phoenix", "AZ", "850", "Southwest"},       {"Buffalo", "NY", "142", "Northeast"},
    {"Orlando", "FL", "328", "Southeast"},       {"St. Louis", "MO", "631", "Midwest"},
    {"Albuquerque", "NM", "871", "Southwest"},   {"Portland", "ME", "041", "Northeast"},
    {"Tampa", "FL", "336", "Southeast"},         {"Kansas City", "MO", "641", "Midwest"},
    {"Newark", "NJ", "071", "Northeast"},        {"New Orleans", "LA", "701", "Southeast"},
    {"Omaha", "NE", "681", "Midwest"},           {"Birmingham", "AL", "352", "Southeast"},
});

constexpr auto kStreets = std::to_array<std::string_view>({
    "Main Street",
    "Oak Avenue",
    "Market Street",
    "Harbor Road",
    "Mill Lane",
    "Railroad Avenue",
    "Lincoln Boulevard",
    "Cedar Street",
    "Canal Street",
    "Foundry Way",
    "Prospect Avenue",
    "Union Square",
});

constexpr auto kFirstNames = std::to_array<std::string_view>({
    "Amara",  "Benito", "Carla",  "Darius", "Elena",  "Felix", "Grace", "Hector", "Imani",  "Jonas",
    "Keiko",  "Luis",   "Maya",   "Nolan",  "Olivia", "Pavel", "Quinn", "Rosa",   "Samir",  "Tessa",
    "Ulrich", "Vera",   "Wesley", "Xenia",  "Yusuf",  "Zoe",   "Aiden", "Bianca", "Caleb",  "Dalia",
    "Emmett", "Farah",  "Gideon", "Hana",   "Isaac",  "Julia", "Kofi",  "Leila",  "Marcus", "Nadia",
});

constexpr auto kLastNames = std::to_array<std::string_view>({
    "Abbott",   "Barrera",   "Castillo", "Donovan",   "Eriksen", "Fletcher", "Guerrero",  "Hayashi",
    "Ibarra",   "Jankowski", "Kowalski", "Lindqvist", "Mbeki",   "Novak",    "Okafor",    "Pruitt",
    "Quintero", "Rahman",    "Sandoval", "Thornton",  "Ueda",    "Vargas",   "Whitfield", "Xiong",
    "Yates",    "Zielinski", "Ashworth", "Blackwood", "Crane",   "Delgado",  "Ellison",   "Fontaine",
    "Garrison", "Holloway",  "Ingram",   "Jefferson", "Keller",  "Lockhart", "Maddox",    "Norwood",
});

constexpr auto kStoreTypes = std::to_array<std::string_view>({
    "supermarket",
    "convenience",
    "warehouse_club",
    "restaurant_supply",
});

constexpr auto kOrderNotes = std::to_array<std::string_view>({
    "Deliver before noon",
    "Use the rear dock",
    "Call ahead",
    "Weekend promotion",
    "End-cap display",
    "Shelf reset",
    "Seasonal demand",
    "Replaces a damaged pallet",
});

constexpr auto kCancelNotes = std::to_array<std::string_view>({
    "Ordered twice",
    "Store closed for works",
    "Product replaced",
    "No shelf space",
    "Requested in error",
});

}  // namespace

std::span<const Product> products() noexcept {
    return kProducts;
}
std::span<const City> cities() noexcept {
    return kCities;
}
std::span<const std::string_view> streets() noexcept {
    return kStreets;
}
std::span<const std::string_view> first_names() noexcept {
    return kFirstNames;
}
std::span<const std::string_view> last_names() noexcept {
    return kLastNames;
}
std::span<const std::string_view> store_types() noexcept {
    return kStoreTypes;
}
std::span<const std::string_view> order_notes() noexcept {
    return kOrderNotes;
}
std::span<const std::string_view> cancel_notes() noexcept {
    return kCancelNotes;
}

}  // namespace pgtraffic::brickhouse
